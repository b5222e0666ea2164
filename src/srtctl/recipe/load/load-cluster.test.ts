import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { NO_CLUSTER } from '../resolve/cluster.ts';
import { formatProblem } from '../text/problem.ts';
import { loadCluster } from './load-cluster.ts';
import { loadRecipe } from './load-recipe.ts';
import { isClusterFileName, readClusterFile, splitTarget } from './read-files.ts';

const FILE = `cluster: c1
default_account: acc
default_partition: part
default_time_limit: 120
gpus_per_node: 8
network_interface: ib0
container_runtime: none
node_path: $TOOLS/node
output_dir: ~/runs
image_dir: $HOME/images
model_paths: {r1: /models/r1}
containers: {latest: /images/latest.sqsh}
default_mounts: {/cache: /cache}
default_bash_preamble: |
  source /opt/setup.sh
environment: {HF_HOME: /hf, HF_TOKEN: hf_secret}
default_health_check: {max_attempts: 6, interval_seconds: 5}
default_sbatch_directives: {comment: x, requeue: }
use_segment_sbatch_directive: false
`;

describe('a cluster file', () => {
  const { cluster, problems, warnings } = loadCluster(FILE, 'c.yaml', { TOOLS: '/t', HOME: '/home/u' });

  it('is read as it says', () => {
    assert.deepEqual([problems, warnings], [[], []]);
    assert.deepEqual(cluster, {
      file: 'c.yaml',
      name: 'c1',
      account: 'acc',
      partition: 'part',
      timeLimit: '120',
      gpusPerNode: 8,
      networkInterface: 'ib0',
      containerRuntime: 'none',
      isRuntimeNamed: true,
      gpuType: null,
      nodePath: '/t/node',
      srtctlRoot: null,
      outputDirectory: '/home/u/runs',
      imageDirectory: '/home/u/images',
      modelPaths: { r1: '/models/r1' },
      containers: { latest: '/images/latest.sqsh' },
      mounts: [{ host: '/cache', container: '/cache', options: null }],
      preamble: 'source /opt/setup.sh\n',
      hostSetup: null,
      environment: { HF_HOME: '/hf', HF_TOKEN: 'hf_secret' },
      healthCheck: { intervalMs: 5000, timeoutMs: 30_000, silenceMs: 300_000 },
      sbatchDirectives: { comment: 'x', requeue: null },
      gpuDirective: 'gpus-per-node',
      visibleDevicesVariable: 'CUDA_VISIBLE_DEVICES',
      embedsRun: false,
      useGpusPerNodeDirective: true,
      useSegmentDirective: false,
      useExclusiveDirective: false,
      nginxRaiseUlimit: false,
      secrets: ['hf_secret'],
    });
  });

  it('has images where every node finds them', () => {
    assert.deepEqual(
      loadCluster('image_dir: images\n', 'c.yaml', {}).problems.map(({ path, message }) => `${path}: ${message}`),
      ['image_dir: got "images", expected an absolute path: nodes have other working directories'],
    );
  });

  it('gives its defaults to recipes, which win', () => {
    const text = `name: x
model: {path: r1, container: latest}
resources: {agg_workers: 1}
dynamo: {version: 1.6.1}
slurm: {account: mine}
sbatch_directives: {comment: y}
`;
    const [recipe] = loadRecipe(text, 'r.yaml', { cluster }).recipes;
    assert.deepEqual(recipe?.model, { path: '/models/r1', container: '/images/latest.sqsh', precision: null });
    assert.deepEqual(recipe?.slurm, { account: 'mine', partition: 'part', timeLimit: '120', timeLimitSeconds: 7200 });
    assert.deepEqual(recipe?.sbatchDirectives, { comment: 'y', requeue: null });
    assert.deepEqual(recipe?.healthCheck, { intervalMs: 5000, timeoutMs: 30_000, silenceMs: 300_000 });
    assert.equal(recipe?.workers[0]?.gpusPerWorker, 8);
    assert.deepEqual(recipe?.secrets, ['hf_secret']);
  });

  it('helps with aliases that are nearly right', () => {
    const text = 'name: x\nmodel: {path: r2, container: lates}\nresources: {agg_workers: 1}\ndynamo: {version: 1.6.1}\n';
    assert.deepEqual(loadRecipe(text, 'r.yaml', { cluster }).warnings.map(formatProblem), [
      'r.yaml:2:15: model.path: "r2" is no path and no alias of c.yaml; it is taken as it is (did you mean r1?)',
      'r.yaml:2:30: model.container: "lates" is no alias of c.yaml; it is taken for an image (did you mean latest?)',
    ]);
  });

  it('knows when a recipe asks for more GPUs than nodes have', () => {
    const text = 'name: x\nmodel: {path: r1}\nresources: {agg_workers: 1, gpus_per_node: 16}\ndynamo: {version: 1.6.1}\n';
    assert.deepEqual(loadRecipe(text, 'r.yaml', { cluster }).warnings.map(formatProblem), [
      'r.yaml:3:44: resources.gpus_per_node: got 16, but the nodes of the cluster have 8 by its file',
    ]);
  });

  it('is judged as strictly as a recipe', () => {
    const { problems: found } = loadCluster(
      'default_acount: a\ndefault_container: b\ncontainer_runtime: docker\ndefault_time_limit: soon\n',
      'c.yaml',
    );
    assert.deepEqual(found.map(formatProblem), [
      'c.yaml:1:1: default_acount: unknown key "default_acount" in the cluster file (did you mean default_account?)',
      'c.yaml:2:1: default_container: not available: the container belongs into the recipe: model.container, perhaps by an alias of containers',
      'c.yaml:3:20: container_runtime: got docker, expected pyxis or none',
      'c.yaml:4:21: default_time_limit: got "soon", expected a time as SLURM writes it (for example 04:00:00)',
    ]);
  });

  it('may be empty', () =>
    assert.deepEqual(loadCluster('', 'c.yaml'), { cluster: { ...NO_CLUSTER, file: 'c.yaml' }, problems: [], warnings: [] }));

  it('must be a block of keys', () => {
    assert.deepEqual(loadCluster('[1]', 'c.yaml').problems.map(formatProblem), ['c.yaml:1:1: expected a cluster file: a block of keys']);
    assert.equal(loadCluster('a: [', 'c.yaml').problems.length, 1);
  });
});

describe('the cluster file of a directory', () => {
  const root = mkdtempSync(join(tmpdir(), 'cluster-file-'));
  const deep = join(root, 'a', 'b', 'c');
  mkdirSync(deep, { recursive: true });
  after(() => rmSync(root, { recursive: true }));
  writeFileSync(join(root, 'srtslurm.yaml'), 'cluster: found\n');
  writeFileSync(join(root, 'named.yaml'), 'cluster: named\n');

  it("is its own, its parent's or that of the one above, and no further", () => {
    assert.equal(readClusterFile(join(root, 'a', 'b'), {}).cluster.name, 'found');
    assert.deepEqual(readClusterFile(deep, {}), { cluster: NO_CLUSTER, problems: [], warnings: [] });
  });

  it('is the one that SRTSLURM_CONFIG names', () => {
    assert.equal(readClusterFile(deep, { SRTSLURM_CONFIG: join(root, 'named.yaml') }).cluster.name, 'named');
  });

  it('is a problem if the one that is named cannot be read', () => {
    const file = join(root, 'none.yaml');
    assert.deepEqual(readClusterFile(deep, { SRTSLURM_CONFIG: file }).problems.map(formatProblem), [
      `${file}: there is no such file (SRTSLURM_CONFIG names it: correct or unset it)`,
    ]);
  });
});

it('a target names a file and perhaps a variant', () => {
  assert.deepEqual(splitTarget('r.yaml'), { file: 'r.yaml', select: null });
  assert.deepEqual(splitTarget('r.yaml:tp8'), { file: 'r.yaml', select: 'tp8' });
  assert.deepEqual(splitTarget('a:b/r.yaml'), { file: 'a:b/r.yaml', select: null });
  assert.deepEqual(splitTarget('-'), { file: '-', select: null });
});

it('cluster files are known by name', () => {
  assert.deepEqual(['srtslurm.yaml', 'x/srtslurm.example.yml', 'my-srtslurm.yaml', 'seed.yaml'].map(isClusterFileName), [
    true,
    true,
    false,
    false,
  ]);
});
