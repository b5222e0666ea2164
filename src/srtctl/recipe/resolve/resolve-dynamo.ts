/** dynamo and infra, with the source of the package in either spelling. */
import { DEFAULTS } from '../schema/defaults.ts';
import type { RecipeInput } from '../schema/recipe-schema.ts';
import { type Findings, shown } from '../text/findings.ts';
import { findTree, plainOf, type Tree } from '../text/tree.ts';
import type { Dynamo, DynamoSource, Recipe } from './recipe.ts';

/** What the tests of this package run. */
const TESTED_VERSION = '1.6.1';

export function resolveDynamo(input: RecipeInput, tree: Tree, mode: Recipe['mode'], findings: Findings): Dynamo {
  const given = input.dynamo ?? {};
  const infra = input.infra ?? {};
  if (mode === 'router') warnOfRouterMode(input, findings);
  if (given.sidecar === true && mode === 'dynamo')
    findings.warn(['dynamo', 'sidecar'], 'got true: srtctl starts the Python workers of Dynamo, not engines with sidecars');
  const source = sourceOf(given, findings);
  const isInstalled = given.install ?? true;
  if (mode === 'dynamo' && isInstalled && source.kind === 'version' && source.isDefault && input.backend?.type !== 'sim') {
    findings.warn(
      ['dynamo', 'version'],
      `is not given: srtctl installs ai-dynamo ${source.version}, as srt-slurm does, and is tested with ${TESTED_VERSION}`,
      'give the version that belongs to the container',
    );
  }
  const selection = findTree(tree, ['frontend', 'worker_selection']);
  return {
    requestPlane: given.request_plane ?? 'tcp',
    eventPlane: given.event_plane ?? 'nats',
    mockerModel: given.mocker_model ?? null,
    etcdPort: Number(given.etcd_port ?? DEFAULTS.etcdPort),
    natsPort: Number(given.nats_port ?? DEFAULTS.natsPort),
    workerPort: Number(given.worker_port ?? DEFAULTS.workerPort),
    install: isInstalled ? source : null,
    workerSelection: selection === null ? null : plainOf(selection),
    hasInfraNode: mode === 'dynamo' && (infra.etcd_nats_dedicated_node ?? false),
    natsMaxPayloadMb: infra.nats_max_payload_mb === undefined ? null : Number(infra.nats_max_payload_mb),
  };
}

function warnOfRouterMode(input: RecipeInput, findings: Findings): void {
  const { infra } = input;
  if (input.dynamo !== undefined) findings.warn(['dynamo'], 'has no effect in router mode');
  if (infra?.etcd_nats_dedicated_node === true || infra?.nats_max_payload_mb !== undefined)
    findings.warn(['infra'], 'has no effect in router mode, which needs neither etcd nor NATS');
}

type DynamoInput = NonNullable<RecipeInput['dynamo']>;

/** One of hash, wheel, top_of_tree and version, in this order, as srt-slurm takes them; `source` says the same in one block. */
function sourceOf(given: DynamoInput, findings: Findings): DynamoSource {
  const { source = {} } = given;
  const named = (['git', 'pypi', 'wheel'] as const).filter((key) => (key === 'git' ? isGit(source) : source[key] !== undefined));
  if (named.length > 1)
    findings.problem(['dynamo', 'source'], `got ${named.join(' and ')}, expected one of git, pypi and wheel`, 'keep one of them');
  if (given.source !== undefined && named.length > 0)
    for (const key of ['hash', 'version', 'wheel'] as const)
      if (given[key] !== undefined) findings.problem(['dynamo', key], `got ${shown(given[key])} beside dynamo.source`, 'keep one of them');
  const revision = source.sha ?? source.rev ?? given.hash;
  const patches = source.patches ?? given.cargo_patches ?? [];
  const isTop = given.top_of_tree === true || source.top_of_tree === true;
  if (revision !== undefined || (isTop && source.wheel === undefined && given.wheel === undefined)) {
    if (revision !== undefined && !/^[\w./-]{1,200}$/.test(revision))
      findings.problem(['dynamo', given.hash === undefined ? 'source' : 'hash'], `got ${shown(revision)}, expected a commit or a tag`);
    checkPatches(patches, given, findings);
    return { kind: 'git', repository: source.git ?? DEFAULTS.dynamoRepository, revision: revision ?? null, patches };
  }
  if (patches.length > 0) findings.problem(['dynamo', 'cargo_patches'], 'needs hash', 'patches change the source of a commit');
  const wheel = source.wheel ?? given.wheel;
  if (wheel !== undefined) return { kind: 'wheel', wheel };
  const version = source.pypi ?? given.version;
  return { kind: 'version', version: version ?? DEFAULTS.dynamoVersion, isDefault: version === undefined };
}

function isGit(source: NonNullable<DynamoInput['source']>): boolean {
  return source.git !== undefined || source.rev !== undefined || source.sha !== undefined || source.top_of_tree === true;
}

function checkPatches(patches: readonly string[], given: DynamoInput, findings: Findings): void {
  const path = given.source?.patches === undefined ? ['dynamo', 'cargo_patches'] : ['dynamo', 'source', 'patches'];
  for (const [at, line] of patches.entries())
    if (!/^[\w-]+ *= *\S/.test(line) || /[\r\n]/.test(line))
      findings.problem([...path, at], `got ${shown(line)}, expected one line of TOML such as 'crate = { git = "..." }'`);
}
