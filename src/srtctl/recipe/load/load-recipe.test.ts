import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { load, one, problemsOf, warningsOf } from '../../../../test/support/load-text.ts';
import { SEED_RECIPE, smallRecipe } from '../../../../test/support/recipe-texts.ts';
import { Stopwatch } from '../../../../test/support/stopwatch.ts';
import { NO_CLUSTER } from '../resolve/cluster.ts';

describe("the seed's complete recipe", () => {
  const recipe = one(SEED_RECIPE);

  it('is taken as printed', () => {
    assert.equal(recipe.name, 'deepseek-r1-sglang-router');
    assert.equal(recipe.mode, 'router');
    assert.deepEqual(recipe.model, { path: 'deepseek-r1-fp4', container: 'sglang-latest', precision: 'fp4' });
    assert.deepEqual(recipe.resources, { gpuType: 'gb300', gpusPerNode: 4, nodes: 4, spreadWorkers: false, packWorkers: false });
    assert.deepEqual([recipe.frontend.multiple, recipe.frontend.additional, recipe.frontend.router], [true, 3, 'bundled']);
    assert.deepEqual(
      recipe.workers.map(({ role, workers, nodes, gpusPerWorker }) => [role, workers, nodes, gpusPerWorker]),
      [
        ['prefill', 2, 2, 4],
        ['decode', 2, 2, 4],
      ],
    );
    assert.deepEqual(recipe.workers[0]?.flags, {
      'model-path': '/model/',
      'tensor-parallel-size': 4,
      'disaggregation-mode': 'prefill',
      'disaggregation-bootstrap-port': 30001,
      'disaggregation-transfer-backend': 'nixl',
    });
    assert.equal(recipe.benchmark.type, 'sa-bench');
    assert.deepEqual(recipe.benchmark.type === 'sa-bench' && recipe.benchmark.concurrencies, [16, 32]);
  });

  it('is warned about only where an alias has no cluster file', () => {
    assert.deepEqual(warningsOf(SEED_RECIPE), [
      'r.yaml:4:9: model.path: "deepseek-r1-fp4" is no path and no alias (there is no cluster file); it is taken as it is',
    ]);
  });

  it('takes model and container from the cluster file, and what it does not ask SLURM for', () => {
    const cluster = {
      ...NO_CLUSTER,
      file: 'c.yaml',
      account: 'a',
      partition: 'p',
      timeLimit: '04:00:00',
      modelPaths: { 'deepseek-r1-fp4': '/m/r1' },
      containers: { 'sglang-latest': '/c/latest.sqsh' },
    };
    const { model, slurm } = one(SEED_RECIPE, { cluster });
    assert.deepEqual([model.path, model.container], ['/m/r1', '/c/latest.sqsh']);
    assert.deepEqual(slurm, { account: 'a', partition: 'p', timeLimit: '04:00:00', timeLimitSeconds: 14_400 });
    assert.deepEqual(warningsOf(SEED_RECIPE, { cluster }), []);
  });

  it('means the same in the later spelling', () => {
    const later = SEED_RECIPE.replace('  use_sglang_router: true\n', '')
      .replace('  enable_multiple_frontends: true\n', '')
      .replace('  num_additional_frontends: 3 # 4 total routers\n', '')
      .replace('benchmark:', 'frontend:\n  type: sglang\n  enable_multiple_frontends: true\n  num_additional_frontends: 3\n\nbenchmark:');
    assert.ok(!later.includes('use_sglang_router'));
    assert.deepEqual(one(later), recipe);
    assert.deepEqual(one(`${SEED_RECIPE}\nfrontend: {type: sglang-router, num_additional_frontends: "3"}\n`), recipe, 'both, agreeing');
  });

  it('is Dynamo mode with the switch off, which is the default', () => {
    assert.equal(one(SEED_RECIPE.replace('use_sglang_router: true', 'use_sglang_router: false')).mode, 'dynamo');
    assert.equal(one(SEED_RECIPE.replace('  use_sglang_router: true\n', '')).mode, 'dynamo');
  });
});

describe('sglang_src_dir', () => {
  const withSource = (directory: string, mode = true): string =>
    smallRecipe(`backend: {use_sglang_router: ${mode}, sglang_src_dir: ${JSON.stringify(directory)}}`);

  it('is kept if the directory exists on this host', () => {
    const asked: string[] = [];
    const directoryExists = (path: string): boolean => asked.push(path) > 0;
    assert.equal(
      one(withSource('~/sglang'), { directoryExists, variables: { HOME: '/home/u' } }).backend.sglangSourceDirectory,
      '/home/u/sglang',
    );
    assert.ok(asked.includes('/home/u/sglang'));
  });

  it('is a problem if it does not exist', () => {
    assert.deepEqual(problemsOf(withSource('/none'), { directoryExists: () => false }), [
      'r.yaml:9:52: backend.sglang_src_dir: there is no directory "/none" on this host (give the checkout of SGLang, or remove the key)',
    ]);
  });

  it('works only in router mode', () => {
    assert.deepEqual(problemsOf(withSource('/some', false), { directoryExists: () => true }), [
      'r.yaml:9:53: backend.sglang_src_dir: got "/some", which works only in router mode (set backend.use_sglang_router: true, or remove it)',
    ]);
  });

  it('means nothing if it is empty', () => {
    const recipe = one(withSource('', false), { directoryExists: () => false });
    assert.equal(recipe.backend.sglangSourceDirectory, null);
  });
});

describe('workers that share nodes', () => {
  const shared = (more: string): string => `name: s
model: {path: /m}
resources: {gpus_per_node: 8, prefill_nodes: 1, prefill_workers: 2, decode_nodes: 0, decode_workers: 2${more}}
`;

  it('divide the GPUs of the prefill nodes', () => {
    const { workers, resources } = one(shared(''));
    assert.deepEqual([workers.map(({ gpusPerWorker }) => gpusPerWorker), resources.nodes], [[2, 2], 1]);
  });

  it('leave to decode what prefill does not ask for', () => {
    assert.deepEqual(
      one(shared(', gpus_per_decode: 1')).workers.map(({ gpusPerWorker }) => gpusPerWorker),
      [3, 1],
    );
  });

  it('cannot have more than there is', () => {
    assert.match(problemsOf(shared(', gpus_per_prefill: 3'))[0] ?? '', /need 12 GPUs of the 8 that they share/);
  });
});

describe('values', () => {
  it('of environments are text as written', () => {
    const { environment } = one(smallRecipe('environment: {A: 08, B: true, C: 1.10, D: "x y", E: ""}'));
    assert.deepEqual(environment, { A: '08', B: 'true', C: '1.10', D: 'x y', E: '' });
  });

  it('of flags keep their kind, and numbers beyond a double their digits', () => {
    const flags =
      'backend: {sglang_config: {aggregated: {a: true, b: false, c: [1, x], d: {e: 1}, f_g: 0.85, h: 12345678901234567890, i: }}}';
    assert.deepEqual(one(smallRecipe(flags)).workers[0]?.flags, {
      a: true,
      b: false,
      c: [1, 'x'],
      d: { e: 1 },
      'f-g': 0.85,
      h: '12345678901234567890',
      i: null,
    });
  });

  it('that only the plan can know are left out with a warning', () => {
    const text = smallRecipe('backend: {use_sglang_router: true, sglang_config: {aggregated: {host: 0.0.0.0, nnodes: 1}}}');
    assert.deepEqual(one(text).workers[0]?.flags, {});
    assert.equal(warningsOf(text).length, 2);
  });

  it('may come from anchors, merged maps and x- keys', () => {
    const text = `x-common: &common {A: 1, B: 2}\n${smallRecipe('environment: {<<: *common, B: 3}\nslurm: {account: }')}`;
    const recipe = one(text);
    assert.deepEqual(recipe.environment, { A: '1', B: '3' });
    assert.equal(recipe.slurm.account, null);
  });
});

describe('the place of a key', () => {
  it('is that of its value, or of the nearest block', () => {
    const { recipes, placeOf } = load(SEED_RECIPE);
    const at = (path: string): string => {
      const { file, line, column } = placeOf(recipes[0]!, path);
      return `${file}:${line}:${column}`;
    };
    assert.equal(at('model.container'), 'r.yaml:5:14');
    assert.equal(at('frontend.public_port'), 'r.yaml:1:1');
    assert.equal(at('resources.gpus_per_prefill'), 'r.yaml:8:1');
    assert.equal(at(''), 'r.yaml:1:1');
  });

  it('in a variant is where the value came from', () => {
    const text = `base:\n${smallRecipe().replace(/^(?=.)/gm, '  ')}override_a: {slurm: {account: x}}\noverride_b: {slurm: {account: y}}\n`;
    const { recipes, placeOf } = load(text);
    assert.deepEqual(
      recipes.map((recipe) => placeOf(recipe, 'slurm.account').line),
      [10, 11],
    );
  });
});

describe('model and container', () => {
  const text = (model: string, container: string): string =>
    SEED_RECIPE.replace('"deepseek-r1-fp4"', model).replace('"sglang-latest"', container);
  const nothing = { directoryExists: () => false, fileExists: () => false };

  it('that are paths to nowhere are warned of', () => {
    assert.deepEqual(warningsOf(text('/models/r1', './sglang.sqsh'), nothing), [
      'r.yaml:4:9: model.path: there is no directory "/models/r1" on this host (right only if the nodes have it)',
      'r.yaml:5:14: model.container: there is no file "./sglang.sqsh" on this host (right only if the nodes have it)',
    ]);
    const cluster = { ...NO_CLUSTER, modelPaths: { r1: '/models/r1' } };
    assert.equal(warningsOf(text('r1', 'sglang'), { ...nothing, cluster }).length, 1);
    assert.deepEqual(warningsOf(text('/models/r1', '/sglang.sqsh'), { directoryExists: () => true, fileExists: () => true }), []);
  });

  it('that are names are not looked for, nor is anything that simulated engines do not read', () => {
    assert.deepEqual(warningsOf(text('hf:deepseek-ai/DeepSeek-R1', 'lmsysorg/sglang:v1'), nothing), []);
    assert.deepEqual(warningsOf(text('deepseek-ai/DeepSeek-R1', 'docker://lmsysorg/sglang'), nothing), []);
    const simulated = text('/models/r1', '/sglang.sqsh').replace('backend:', 'backend:\n  type: sim');
    assert.deepEqual(warningsOf(simulated, nothing), []);
  });
});

it('is quick: the largest recipe is judged in a few milliseconds', () => {
  const text = SEED_RECIPE.replace('prefill_nodes: 2', 'prefill_nodes: 500').replace('prefill_workers: 2', 'prefill_workers: 500');
  load(text);
  const times = Array.from({ length: 5 }, () => {
    const watch = new Stopwatch();
    assert.deepEqual(problemsOf(text), []);
    return watch.ms;
  });
  assert.ok(Math.min(...times) < 50, `${times.join(' ')} ms`);
});
