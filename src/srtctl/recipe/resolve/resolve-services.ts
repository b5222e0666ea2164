/** services and host_setup: processes beside the fleet. */
import type { RecipeInput } from '../schema/recipe-schema.ts';
import { readService, type ServiceInput, type ServiceIssue } from '../schema/service-schema.ts';
import { type Findings, shown } from '../text/findings.ts';
import { isBuiltIn, isExporter, serviceType } from '../text/service-type.ts';
import { findTree, type Path, plainOf, type Tree } from '../text/tree.ts';
import { readEnvironment } from './free-maps.ts';
import type { HostSetup, Service, ServicePlace, ServiceReady } from './recipe.ts';

const STORE_COMMAND = ['python3', '-m', 'mooncake.mooncake_store_service'];

/** Keys of srt-slurm that would make another run, and those that change nothing here. */
const MISSING: Readonly<Record<string, string>> = {
  source: 'srtctl clones and builds nothing; put it into an image',
  build_command: 'srtctl clones and builds nothing; put it into an image',
  nodes: 'services have no nodes to themselves',
  terminal: 'a run ends with its benchmark',
  external: 'only etcd, nats and mooncake-master can be external, and srtctl starts its own',
  options: 'only nats and mooncake-master have options',
};
const IGNORED: ReadonlySet<string> = new Set(['metrics', 'cpus_per_task', 'cpu_bind', 'srun_options', 'build_timeout_seconds']);

/** @param alias explains names of images by the cluster file. */
export function resolveServices(tree: Tree, hasMooncake: boolean, alias: (name: string) => string, findings: Findings): readonly Service[] {
  const list = findTree(tree, ['services']);
  if (list?.kind !== 'list') return [];
  const services = list.items.flatMap((item, at) => {
    const type = item.kind === 'map' ? serviceType(item) : '';
    // Those have moved to keys of their own.
    if (isBuiltIn(type)) return [];
    if (isExporter(type)) {
      findings.warn(['services', at], `has no effect here: srtctl collects no metrics`);
      return [];
    }
    return resolveService(item, ['services', at], tree, alias, findings) ?? [];
  });
  for (const [at, { name, usesMooncake }] of services.entries()) {
    if (services.findIndex((one) => one.name === name) !== at) findings.problem(['services'], `${shown(name)} is the name of two services`);
    if (usesMooncake && !hasMooncake)
      findings.problem(['services'], `${shown(name)} is a mooncake-store, and there is no mooncake-master`, 'add a service of that type');
  }
  return services;
}

function resolveService(item: Tree, path: Path, tree: Tree, alias: (name: string) => string, findings: Findings): Service | null {
  const read = readService(withoutIgnored(item, path, findings));
  if (read.data === null) {
    for (const issue of read.issues) tellIssue(issue, path, tree, findings);
    return null;
  }
  const given = read.data;
  if (given.enabled === false) return null;
  const isStore = given.type === 'mooncake-store';
  const command = given.command ?? (isStore ? STORE_COMMAND : []);
  if (command.length === 0) findings.problem(path, `${shown(given.name)} has no command`, 'give command, a list of words');
  const ready = readyOf(given, path, findings);
  return {
    name: given.name,
    container: given.container === undefined ? null : alias(given.container),
    argv: [...command, ...(given.args ?? [])],
    environment: readEnvironment(tree, [...path, 'env'], findings),
    preamble: given.preamble ?? null,
    place: placeOf(given, isStore),
    isPerWorker: isPerWorker(given, ready, path, findings),
    start: startOf(given, isStore),
    isCritical: given.critical ?? isStore,
    usesDiscovery: given.inherit_discovery_env ?? true,
    usesMooncake: isStore,
    ready,
    timeoutMs: given.readiness?.timeout_seconds === undefined ? null : Number(given.readiness.timeout_seconds) * 1000,
  };
}

function withoutIgnored(item: Tree, path: Path, findings: Findings): unknown {
  const plain = plainOf(item);
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) return plain;
  return Object.fromEntries(
    Object.entries(plain).filter(([key, value]) => {
      if (IGNORED.has(key)) findings.warn([...path, key], 'has no effect here');
      return !IGNORED.has(key) && value !== null;
    }),
  );
}

function tellIssue(issue: ServiceIssue, path: Path, tree: Tree, findings: Findings): void {
  const at = [...path, ...issue.path];
  if (issue.keys.length === 0) {
    const found = findTree(tree, at);
    const what = found === null ? 'is missing' : `got ${shown(plainOf(found))}`;
    findings.problem(at, `${what}, expected ${issue.expected}`);
    return;
  }
  for (const key of issue.keys) {
    const why = Object.hasOwn(MISSING, key) ? MISSING[key]! : null;
    findings.problem([...at, key], why === null ? `unknown key ${shown(key)} of a service` : `not available: ${why}`, null, true);
  }
}

function placeOf({ placement }: ServiceInput, isStore: boolean): ServicePlace {
  const node = placement?.node ?? (isStore ? 'workers' : 'head');
  if (node === 'compute') return 'workers';
  return node === 'agg' ? 'aggregated' : node;
}

function startOf({ start }: ServiceInput, isStore: boolean): Service['start'] {
  if (start === undefined) return isStore ? 'before' : 'after';
  if (start === 'with_workers') return 'with';
  return start === 'after_frontend' ? 'after' : 'before';
}

function isPerWorker({ placement }: ServiceInput, ready: ServiceReady, path: Path, findings: Findings): boolean {
  if (placement?.per !== 'worker') return false;
  if (placement.node === undefined || !['prefill', 'decode', 'agg', 'workers'].includes(placement.node))
    findings.problem(
      [...path, 'placement', 'per'],
      'got worker, which needs workers on its node',
      'set node to prefill, decode, agg or workers',
    );
  if ('port' in ready)
    findings.problem([...path, 'readiness'], 'a service of each worker would listen several times on one node', 'give readiness.log');
  return true;
}

function readyOf({ readiness = {} }: ServiceInput, path: Path, findings: Findings): ServiceReady {
  const port = readiness.port ?? readiness.tcp?.port;
  if (readiness.http?.port !== undefined) return { kind: 'http', port: readiness.http.port, path: readiness.http.path ?? '/health' };
  if (port !== undefined) return { kind: 'tcp', port };
  const pattern = readiness.log?.pattern;
  if (pattern === undefined) return { kind: 'none' };
  try {
    new RegExp(pattern);
  } catch {
    findings.problem([...path, 'readiness', 'log', 'pattern'], `got ${shown(pattern)}, expected a regular expression`);
  }
  return { kind: 'log', pattern };
}

/** Null: nothing is asked for. */
export function resolveHostSetup(given: RecipeInput['host_setup']): HostSetup | null {
  const commands = textsOf(given?.['commands']);
  const teardown = textsOf(given?.['teardown']);
  if (commands.length === 0 && teardown.length === 0) return null;
  return {
    commands,
    teardown,
    onlyWorkers: given?.['nodes'] === 'workers',
    isLenient: given?.['ignore_failure'] === true,
    timeoutSeconds: Number(given?.['timeout_seconds'] ?? 300),
  };
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
