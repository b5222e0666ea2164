import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { SEED_RECIPE, smallRecipe } from '../../../../test/support/recipe-texts.ts';
import { NO_CLUSTER } from '../resolve/cluster.ts';
import type { Recipe } from '../resolve/recipe.ts';
import { formatProblem } from '../text/problem.ts';
import { type LoadedRecipes, type LoadOptions, loadRecipe } from './load-recipe.ts';

const load = (text: string, options?: LoadOptions): LoadedRecipes => loadRecipe(text, 'r.yaml', options);

function one(text: string, options?: LoadOptions): Recipe {
  const { recipes, problems } = load(text, options);
  assert.deepEqual(problems.map(formatProblem), []);
  assert.equal(recipes.length, 1);
  return recipes[0]!;
}

const problemsOf = (text: string, options?: LoadOptions): string[] => load(text, options).problems.map(formatProblem);
const warningsOf = (text: string, options?: LoadOptions): string[] => load(text, options).warnings.map(formatProblem);

function keptText(text: string, options?: LoadOptions): string {
  const { recipes, textOf } = load(text, options);
  return textOf(recipes[0] ?? assert.fail());
}

describe("the seed's complete recipe", () => {
  const recipe = one(SEED_RECIPE);

  it('is taken as printed', () => {
    assert.equal(recipe.name, 'deepseek-r1-sglang-router');
    assert.equal(recipe.mode, 'router');
    assert.deepEqual(recipe.model, { path: 'deepseek-r1-fp4', container: 'sglang-latest', precision: 'fp4' });
    assert.deepEqual(recipe.resources, { gpuType: 'gb300', gpusPerNode: 4, nodes: 4, spreadWorkers: false });
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

/** What is added to or replaced in the seed's recipe -> the complaint, with its line and column where it stands. */
const COMPLAINTS: readonly [string, (text: string) => string, string][] = [
  [
    'an unknown key',
    (text) => text.replace('precision', 'precison'),
    'r.yaml:6:3: model.precison: unknown key "precison" in the recipe (did you mean model.precision?)',
  ],
  [
    'a key of another block',
    (text) => `${text}use_sglang_router: true\n`,
    'r.yaml:43:1: use_sglang_router: unknown key "use_sglang_router" in the recipe (did you mean backend.use_sglang_router?)',
  ],
  [
    'a number that must be text',
    (text) => text.replace('"sglang-latest"', '1.10'),
    'r.yaml:5:14: model.container: got 1.10, expected text (write "1.10", in quotes)',
  ],
  [
    'a switch that is text',
    (text) => text.replace('use_sglang_router: true', 'use_sglang_router: yes'),
    'r.yaml:17:22: backend.use_sglang_router: got yes, expected true or false (write true)',
  ],
  [
    'a word of a list',
    (text) => text.replace('"sa-bench"', 'sabench'),
    'r.yaml:39:9: benchmark.type: got sabench, expected manual, sa-bench or custom (did you mean sa-bench?)',
  ],
  [
    'a number out of range',
    (text) => text.replace('gpus_per_node: 4', 'gpus_per_node: 0'),
    'r.yaml:10:18: resources.gpus_per_node: got 0, expected a whole number from 1 to 1024',
  ],
  [
    'contradicting spellings',
    (text) => `${text}frontend: {type: dynamo}\n`,
    'r.yaml:43:18: frontend.type: got "dynamo", but backend.use_sglang_router is true (line 17): two spellings of one setting contradict each other (keep one of them)',
  ],
  [
    'contradicting numbers',
    (text) => `${text}frontend: {num_additional_frontends: 4}\n`,
    'r.yaml:43:38: frontend.num_additional_frontends: got 4, but backend.num_additional_frontends is 3 (line 19): two spellings of one setting contradict each other (keep one of them)',
  ],
  [
    'unequal bootstrap ports',
    (text) => text.replace(/30001(?![\s\S]*30001)/, '30002'),
    'r.yaml:34:38: backend.sglang_config.decode.disaggregation-bootstrap-port: got 30002, but prefill has 30001: decode workers ask the bootstrap server of a prefill worker at this port, and routers announce it (give both the same value)',
  ],
  [
    'unequal transfer backends',
    (text) => text.replace(/nixl(?![\s\S]*nixl)/, 'mooncake'),
    'r.yaml:35:40: backend.sglang_config.decode.disaggregation-transfer-backend: got "mooncake", but prefill has "nixl": both ends of a transfer speak one protocol (give both the same value)',
  ],
  [
    'unequal page sizes',
    (text) => text.replace('disaggregation-mode: prefill', 'page-size: 1').replace('disaggregation-mode: decode', 'page_size: 64'),
    'r.yaml:33:18: backend.sglang_config.decode.page_size: got 64, but prefill has 1: pages of the KV cache are transferred whole (give both the same value)',
  ],
  [
    'another model',
    (text) => text.replace(/\/model\/(?![\s\S]*\/model\/)/, '/other'),
    'r.yaml:31:19: backend.sglang_config.decode.model-path: got "/other", but prefill has "/model/": both serve one model (give both the same value)',
  ],
  [
    'the mode of the other role',
    (text) => text.replace('disaggregation-mode: decode', 'disaggregation-mode: prefill'),
    'r.yaml:33:28: backend.sglang_config.decode.disaggregation-mode: got "prefill" in the section of the decode workers (write decode, or remove it)',
  ],
  [
    'more tensor ranks than GPUs',
    (text) => text.replace('tensor-parallel-size: 4', 'tp-size: 8'),
    'r.yaml:24:16: backend.sglang_config.prefill.tp-size: a prefill worker needs 8 GPUs (tp-size 8) but has 4 (2 nodes x 4 GPUs / 2 workers) (ask for more nodes, fewer workers, or smaller sizes)',
  ],
  [
    'pipeline and data ranks',
    (text) => text.replace('tensor-parallel-size: 4', 'tp: 4\n      pp-size: 2\n      dp-size: 2'),
    'r.yaml:24:11: backend.sglang_config.prefill.tp: a prefill worker needs 16 GPUs (tp 4 x pp-size 2 x dp-size 2) but has 4 (2 nodes x 4 GPUs / 2 workers) (ask for more nodes, fewer workers, or smaller sizes)',
  ],
  [
    'a size that is none',
    (text) => text.replace('tensor-parallel-size: 4', 'tp: four'),
    'r.yaml:24:11: backend.sglang_config.prefill.tp: got "four", expected a whole number from 1',
  ],
  [
    'workers without GPUs',
    (text) => text.replace('prefill_workers: 2', 'prefill_workers: 9'),
    'r.yaml:12:20: resources.prefill_workers: 9 workers are more than the 8 GPUs of 2 nodes (ask for more nodes or fewer workers)',
  ],
  [
    'a worker over parts of nodes',
    (text) => text.replace('prefill_nodes: 2', 'prefill_nodes: 3'),
    'r.yaml:12:20: resources.prefill_workers: a prefill worker has 6 GPUs, which is no multiple of the 4 of a node (set resources.gpus_per_prefill to 4 or 8, or change nodes and workers)',
  ],
  [
    'workers that do not fit side by side',
    (text) => text.replace('prefill_workers: 2', 'prefill_workers: 2\n  gpus_per_prefill: 8'),
    'r.yaml:12:20: resources.prefill_workers: 2 prefill workers of 8 GPUs need 4 nodes, there are 2 (set resources.prefill_nodes: 4)',
  ],
  [
    'one side only',
    (text) => text.replace('  decode_nodes: 2\n  decode_workers: 2\n', ''),
    'r.yaml:8:1: resources: there are prefill workers but no decode workers (give decode_nodes and decode_workers, or agg_nodes and agg_workers)',
  ],
  [
    'both kinds of workers',
    (text) => text.replace('  gpus_per_node: 4', '  gpus_per_node: 4\n  agg_workers: 1'),
    'r.yaml:11:3: resources.agg_workers: aggregated workers beside prefill and decode workers (give either agg_* or prefill_* and decode_*)',
  ],
  [
    'a section without workers',
    (text) => text.replace('    decode:\n', '    aggregated: {tp-size: 4}\n    decode:\n'),
    'r.yaml:30:5: backend.sglang_config.aggregated: resources ask for no aggregated workers (remove it, or give agg_workers)',
  ],
  [
    'a flag with dashes',
    (text) => text.replace('model-path: /model/', '--model-path: /model/'),
    'r.yaml:23:7: backend.sglang_config.prefill.--model-path: "--model-path": flags are written without leading dashes (write model-path)',
  ],
  [
    'a flag in two spellings',
    (text) => text.replace('tensor-parallel-size: 4', 'tp-size: 4\n      tp_size: 4'),
    'r.yaml:25:7: backend.sglang_config.prefill.tp_size: --tp-size is here twice, once with - and once with _ (remove one of them)',
  ],
  [
    'a flag of older YAML',
    (text) => text.replace('tensor-parallel-size: 4', 'enable-metrics: on'),
    'r.yaml:24:23: backend.sglang_config.prefill.enable-metrics: on is text in YAML 1.2, but true or false in older YAML (write true, or "on" in quotes for the word)',
  ],
  [
    'a port that is none',
    (text) => text.replaceAll('30001', '300010'),
    'r.yaml:26:38: backend.sglang_config.prefill.disaggregation-bootstrap-port: got 300010, expected a port from 1 to 65535',
  ],
  [
    'a rate below 0',
    (text) => text.replace('osl: 8000', 'osl: 8000\n  req_rate: -1'),
    'r.yaml:42:13: benchmark.req_rate: got -1, expected inf or a number of requests per second above 0',
  ],
  ['a path without characters', (text) => text.replace('"deepseek-r1-fp4"', '""'), 'r.yaml:4:9: model.path: got "", expected text'],
  [
    'more ranks than GPUs of aggregated workers',
    (text) =>
      `${text.slice(0, text.indexOf('  prefill_nodes'))}  agg_nodes: 1\n  agg_workers: 1\nbackend: {use_sglang_router: true, sglang_config: {aggregated: {tp: 8}}}\n`,
    'r.yaml:13:69: backend.sglang_config.aggregated.tp: an aggregated worker needs 8 GPUs (tp 8) but has 4 (1 node x 4 GPUs / 1 worker) (ask for more nodes, fewer workers, or smaller sizes)',
  ],
  [
    'concurrencies with a gap',
    (text) => text.replace('16x32', '16x'),
    'r.yaml:42:18: benchmark.concurrencies: a number is missing beside an x ("16x32" is 16, then 32)',
  ],
  [
    'no concurrencies',
    (text) => text.replace('  concurrencies: "16x32"\n', ''),
    'r.yaml:38:1: benchmark: concurrencies is missing, which sa-bench needs',
  ],
  [
    'a custom benchmark without a command',
    (text) => text.replace('"sa-bench"', 'custom'),
    'r.yaml:38:1: benchmark: command is missing, which custom needs',
  ],
  [
    'a time that is none',
    (text) => `${text}slurm: {time_limit: 4h}\n`,
    'r.yaml:43:21: slurm.time_limit: got "4h", expected a time as SLURM writes it (for example 04:00:00, 1-12:00:00 or 90 (minutes))',
  ],
  [
    'no time',
    (text) => `${text}slurm: {time_limit: "00:00:00"}\n`,
    'r.yaml:43:21: slurm.time_limit: got "00:00:00", which is no time at all',
  ],
  [
    'a mount without a colon',
    (text) => `${text}extra_mount: [/data]\n`,
    'r.yaml:43:15: extra_mount.0: got "/data", expected host:container or host:container:options (paths with ":" or "," cannot be mounted)',
  ],
  [
    'a mount at a relative path',
    (text) => `${text}container_mounts: {/data: data}\n`,
    'r.yaml:43:27: container_mounts./data: the path in the container, "data", must begin with /',
  ],
  [
    'a variable that is not set',
    (text) => `${text}extra_mount: ["$NOWHERE/x:/x"]\n`,
    'r.yaml:43:15: extra_mount.0: "$NOWHERE/x": there is no variable NOWHERE (set NOWHERE where srtctl runs)',
  ],
  [
    'a name of no variable',
    (text) => `${text}environment: {A-B: 1}\n`,
    'r.yaml:43:15: environment.A-B: "A-B" is no name of a variable (letters, digits and _, not beginning with a digit)',
  ],
  [
    'a variable without a value',
    (text) => `${text}environment:\n  A:\n`,
    'r.yaml:44:5: environment.A: got null, expected text, a number, true or false',
  ],
  [
    'a key of srt-slurm that is missing here',
    (text) => `${text}profiling: {type: nsys}\n`,
    'r.yaml:43:1: profiling: not available: start the profiler by hand or from a custom benchmark',
  ],
  ['a missing name', (text) => text.replace('name: "deepseek-r1-sglang-router"', 'environment: {}'), 'r.yaml:1:1: name: is missing'],
  ['a key twice', (text) => `${text}name: again\n`, 'r.yaml:43:1: name: the key is here twice, first in line 1 (remove one of them)'],
  [
    'text that is no YAML',
    (text) => `${text}a: [\n`,
    'r.yaml:44:1: not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
  ],
];

describe('a complaint about', () => {
  for (const [what, change, expected] of COMPLAINTS) {
    it(`${what} has its place, the value and what to do`, () => {
      const text = change(SEED_RECIPE);
      assert.notEqual(text, SEED_RECIPE);
      const { recipes, problems } = load(text);
      assert.deepEqual(recipes, []);
      assert.ok(problems.map(formatProblem).includes(expected), problems.map(formatProblem).join('\n'));
    });
  }
});

it('tells all problems at once, each once', () => {
  const wrong = SEED_RECIPE.replace('use_sglang_router: true', 'use_sglang_router: maybe')
    .replace('precision:', 'precison:')
    .replace('isl: 128000', 'isl: -1')
    .replace('16x32', '16,32')
    .replace('disaggregation-mode: decode', 'disaggregation-mode: prefill');
  assert.deepEqual(
    problemsOf(wrong).map((line) => line.split(': ', 2).join(': ')),
    [
      'r.yaml:6:3: model.precison',
      'r.yaml:17:22: backend.use_sglang_router',
      'r.yaml:33:28: backend.sglang_config.decode.disaggregation-mode',
      'r.yaml:40:8: benchmark.isl',
      'r.yaml:42:18: benchmark.concurrencies',
    ],
  );
});

describe('what follows from a wrong value', () => {
  it('is not told: the type of the benchmark', () => {
    const text = SEED_RECIPE.replace('"sa-bench"', 'sabench').replace('16x32', '16x');
    assert.deepEqual(problemsOf(text), [
      'r.yaml:39:9: benchmark.type: got sabench, expected manual, sa-bench or custom (did you mean sa-bench?)',
      'r.yaml:42:18: benchmark.concurrencies: a number is missing beside an x ("16x32" is 16, then 32)',
    ]);
    assert.equal(warningsOf(text).filter((warning) => warning.includes('no effect')).length, 0);
  });

  it('is not told: numbers of nodes and workers', () => {
    const wrong = SEED_RECIPE.replace('prefill_nodes: 2', 'prefill_nodes: -1').replace('prefill_workers: 2', 'prefill_workers: 1.5');
    assert.deepEqual(problemsOf(wrong), [
      'r.yaml:11:18: resources.prefill_nodes: got -1, expected a whole number from 0 to 100000',
      'r.yaml:12:20: resources.prefill_workers: got 1.5, expected a whole number from 0 to 100000',
    ]);
    assert.deepEqual(problemsOf(SEED_RECIPE.replace('decode_workers: 2', 'decode_workers: two')), [
      'r.yaml:14:19: resources.decode_workers: got two, expected a whole number from 0 to 100000',
    ]);
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
    const text = smallRecipe('backend: {sglang_config: {aggregated: {host: 0.0.0.0, nnodes: 1}}}');
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

describe('secrets', () => {
  const SECRET = 'hf_Abc"def\'ghi';
  const text = smallRecipe(`environment:
  HF_TOKEN: ${JSON.stringify(SECRET)}
  PLAIN: !secret marked-value
backend:
  sglang_config:
    aggregated:
      api-key: sk-123456
      tokenizer-path: /tok
`);

  it('are collected by key and by tag', () => {
    assert.deepEqual([...one(text).secrets].sort(), [SECRET, 'marked-value', 'sk-123456'].sort());
  });

  it('are not in the text that is kept', () => {
    const redactedText = keptText(text);
    for (const secret of ['hf_Abc', 'marked-value', 'sk-123456']) assert.ok(!redactedText.includes(secret), redactedText);
    assert.ok(redactedText.includes('tokenizer-path: /tok'));
    const again = one(redactedText);
    assert.equal(again.environment['HF_TOKEN'], '***');
    assert.deepEqual(again.workers[0]?.flags, { 'api-key': '***', 'tokenizer-path': '/tok' });
  });

  it('are not in complaints', () => {
    const { problems } = load(`${text}\nname2: sk-123456\nslurm: {time_limit: "sk-123456"}\n`);
    assert.equal(problems.length, 2);
    assert.ok(!problems.map(formatProblem).join('\n').includes('sk-123456'));
  });

  it('may be given on the command line', () => {
    const overrides = [{ kind: 'set', text: 'environment.X_API_KEY=from-the-shell' }] as const;
    const { recipes } = load(smallRecipe(), { overrides });
    assert.deepEqual(recipes[0]?.secrets, ['from-the-shell']);
  });

  it('written over several lines leave YAML behind', () => {
    const folded = smallRecipe('environment:\n  MY_PRIVATE_KEY: |\n    line-one\n    line-two\n  Z: after\n');
    const redactedText = keptText(folded);
    assert.ok(!/line-(one|two)/.test(redactedText), redactedText);
    assert.deepEqual(one(redactedText).environment, { MY_PRIVATE_KEY: '***', Z: 'after' });
  });
});

const TEXT_PARTS = [
  'name',
  ':',
  ' ',
  '\n',
  '  ',
  '- ',
  '[',
  ']',
  '{',
  '}',
  ',',
  '"',
  "'",
  '*a',
  '&a',
  '!secret',
  '!x',
  '<<',
  '|',
  '>',
  '#',
  '\t',
  '---',
  '?',
  '%',
  '0x1',
  'model',
  'sweep',
  'base',
  'override_a',
  'resources',
  '\0',
  '😀',
  '\ud800',
];

describe('whatever the text is', () => {
  it('nothing throws, and every complaint has a place in it', () => {
    const anything = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.array(fc.constantFrom(...TEXT_PARTS), { maxLength: 40 }).map((parts) => parts.join('')),
      fc.json().map((json) => json),
    );
    fc.assert(
      fc.property(anything, (text) => {
        const { problems, recipes } = load(text);
        assert.equal(recipes.length > 0, problems.length === 0);
        const lines = text.split(/\r\n|\r|\n/);
        for (const { line, column } of problems) assert.ok(line >= 0 && column >= 0 && line <= lines.length + 1, `${line}:${column}`);
      }),
      { numRuns: 200 },
    );
  });

  it('no change of one value throws, and none passes unseen', () => {
    const paths = leafPaths(SEED_INPUT);
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue({ maxDepth: 2 }), (path, value) => {
        const { problems, recipes } = load(SEED_RECIPE, { overrides: [{ kind: 'set', text: `${path}=${JSON.stringify(value)}` }] });
        assert.equal(recipes.length === 1, problems.length === 0);
      }),
      { numRuns: 120 },
    );
  });

  it('deep nesting and repeated aliases end in a complaint', () => {
    assert.ok(problemsOf(`a: ${'['.repeat(20_000)}`).length > 0);
    assert.match(problemsOf(`${'a: {'.repeat(100)}${'}'.repeat(100)}`).join('\n'), /nested deeper than 64 levels/);
    const bomb = Array.from(
      { length: 9 },
      (_, at) =>
        `x-${at}: &a${at} [${Array(10)
          .fill(at === 0 ? 'x' : `*a${at - 1}`)
          .join(', ')}]`,
    ).join('\n');
    assert.match(problemsOf(bomb).join('\n'), /more than 200000 values/);
    assert.match(problemsOf('a: &a [*a]').join('\n'), /stands inside what it refers to/);
  });
});

const SEED_INPUT = {
  name: 'seed',
  model: { path: '/models/r1', container: 'image', precision: 'fp4' },
  resources: { gpus_per_node: 4, prefill_nodes: 2, prefill_workers: 2, decode_nodes: 2, decode_workers: 2 },
  backend: {
    use_sglang_router: true,
    num_additional_frontends: 3,
    sglang_config: { prefill: { 'tensor-parallel-size': 4 }, decode: { 'tensor-parallel-size': 4 } },
    prefill_environment: { A: 'x' },
  },
  benchmark: { type: 'sa-bench', isl: 100, osl: 10, concurrencies: '1x2' },
};

function leafPaths(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) => leafPaths(inner, path === '' ? key : `${path}.${key}`));
}

function leaves(value: unknown, path = ''): [string, unknown][] {
  return leafPaths(value, path).map((leaf) => [
    leaf,
    leaf.split('.').reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], value),
  ]);
}

/** Texts in quotes: `on` without them is a complaint. */
const yaml = (value: unknown): string => stringify(value, { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' });

/** Without variables and a home, which the machine would have to have. */
const container = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !/^[$~]/.test(text));

const input = fc.record({
  name: fc.stringMatching(/^[a-z][a-z0-9 .-]{0,20}$/),
  model: fc.record({ path: fc.stringMatching(/^\/[a-z/]{1,20}$/), container }),
  resources: fc
    .nat(6)
    .map((power) => ({ gpus_per_node: 4, prefill_nodes: power + 1, prefill_workers: power + 1, decode_nodes: 1, decode_workers: 2 })),
  backend: fc.record({
    use_sglang_router: fc.boolean(),
    enable_multiple_frontends: fc.boolean(),
    num_additional_frontends: fc.nat(20),
    sglang_config: fc.record({
      prefill: fc.dictionary(fc.stringMatching(/^[a-z]{4,8}$/), fc.oneof(fc.nat(), fc.boolean(), fc.string(), fc.constant('on')), {
        noNullPrototype: true,
        minKeys: 1,
      }),
      decode: fc.record({ 'tp-size': fc.constant(2) }),
    }),
    prefill_environment: fc.dictionary(fc.stringMatching(/^[A-Z]{2,8}$/), fc.string(), { noNullPrototype: true, minKeys: 1 }),
  }),
});

describe('the text that is kept', () => {
  it('is the file, if the recipe is all of it', () => assert.equal(keptText(SEED_RECIPE), SEED_RECIPE));

  it('has what the command line changed', () => {
    const text = keptText(SEED_RECIPE, { overrides: [{ kind: 'set', text: 'benchmark.isl=7' }] });
    assert.match(text, /^ {2}isl: 7$/m);
    assert.deepEqual(one(text).workers, one(SEED_RECIPE).workers);
  });

  it('of a variant and of a point of a sweep is that recipe alone', () => {
    const text = `base:\n${smallRecipe().replace(/^(?=.)/gm, '  ')}override_a: {environment: {V: "{v}"}, sweep: {v: [08, "08", yes]}}\n`;
    const { recipes, textOf } = load(text);
    assert.equal(recipes.length, 3);
    for (const recipe of recipes) {
      const { variant: _, ...rest } = one(textOf(recipe));
      assert.deepEqual({ ...rest, variant: recipe.variant }, recipe);
    }
  });

  it('hides secrets that the command line or a sweep brought', () => {
    const overrides = [{ kind: 'set', text: 'environment.MY_TOKEN=swordfish' }] as const;
    const text = keptText(smallRecipe('environment: {A: "x swordfish"}'), { overrides });
    assert.ok(!text.includes('swordfish'));
    assert.deepEqual(one(text).environment, { A: 'x ***', MY_TOKEN: '***' });
  });
});

describe('the same recipe', () => {
  it('comes of the text that is kept of it', () => {
    fc.assert(
      fc.property(input, (whole) => {
        const overrides = [{ kind: 'set', text: 'slurm.account=a' }] as const;
        const { recipes, textOf } = load(yaml(whole), { overrides });
        assert.deepEqual(load(textOf(recipes[0]!)).recipes, recipes);
      }),
      { numRuns: 50 },
    );
  });

  it('comes of a file and of one --set for each of its values', () => {
    fc.assert(
      fc.property(input, (whole) => {
        const fromFile = load(yaml(whole));
        const overrides = leaves(whole).map(([path, value]) => ({ kind: 'set' as const, text: `${path}=${JSON.stringify(value)}` }));
        assert.deepEqual(load('environment: {}', { overrides }).recipes, fromFile.recipes);
        assert.deepEqual(fromFile.problems.map(formatProblem), []);
      }),
      { numRuns: 50 },
    );
  });

  it('comes of either spelling of router mode', () => {
    fc.assert(
      fc.property(input, (whole) => {
        const { use_sglang_router: isRouter, enable_multiple_frontends, num_additional_frontends, ...backend } = whole.backend;
        const frontend = { type: isRouter ? 'sglang' : 'dynamo', enable_multiple_frontends, num_additional_frontends };
        assert.deepEqual(load(yaml({ ...whole, backend, frontend })).recipes, load(yaml(whole)).recipes);
      }),
      { numRuns: 40 },
    );
  });

  it('comes back after --set and --unset of something else', () => {
    const overrides = [
      { kind: 'set', text: 'slurm.account=a' },
      { kind: 'unset', text: 'slurm' },
    ] as const;
    assert.deepEqual(load(SEED_RECIPE, { overrides }).recipes, load(SEED_RECIPE).recipes);
  });
});

describe('the place of a key', () => {
  it('is that of its value, or of the nearest block', () => {
    const { recipes, placeOf } = load(SEED_RECIPE);
    const at = (path: string): string => Object.values(placeOf(recipes[0]!, path)).join(':');
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

describe('setup_script', () => {
  it('must exist on this host', () => {
    const text = smallRecipe('setup_script: $D/setup.sh');
    const variables = { D: '/d' };
    assert.equal(one(text, { variables, fileExists: (file) => file === '/d/setup.sh' }).setupScript, '/d/setup.sh');
    assert.deepEqual(problemsOf(text, { variables, fileExists: () => false }), [
      'r.yaml:9:15: setup_script: there is no file "/d/setup.sh" on this host',
    ]);
  });
});

describe('a warning', () => {
  const WARNINGS: readonly [string, (text: string) => string, string][] = [
    [
      'a key of srt-slurm without effect',
      (text) => `${text}enable_config_dump: true\n`,
      'r.yaml:43:21: enable_config_dump: has no effect here: the plan and the resolved recipe are always written',
    ],
    [
      'routers that nobody starts',
      (text) => text.replace('frontends: true', 'frontends: false'),
      'r.yaml:19:29: backend.num_additional_frontends: has no effect, got 3: enable_multiple_frontends is false, so there is one on the public port',
    ],
    [
      'one flag in two spellings',
      (text) => text.replace('tensor-parallel-size: 4', 'tensor-parallel-size: 4\n      tp-size: 4'),
      'r.yaml:25:16: backend.sglang_config.prefill.tp-size: the same as tensor-parallel-size, which is here, too (the engine takes the last one: remove the other)',
    ],
    [
      'GPUs that idle',
      (text) => text.replace('tensor-parallel-size: 4', 'tp-size: 2'),
      'r.yaml:24:16: backend.sglang_config.prefill.tp-size: a prefill worker has 4 GPUs (2 nodes x 4 GPUs / 2 workers) but uses 2 (tp-size 2) (set resources.gpus_per_prefill: 2 to share nodes)',
    ],
    [
      'a transfer backend of one side',
      (text) => text.replace('disaggregation-transfer-backend: nixl\n', ''),
      'r.yaml:34:40: backend.sglang_config.decode.disaggregation-transfer-backend: only decode has it, prefill uses the engine\'s default: both ends of a transfer speak one protocol (give prefill "nixl", too)',
    ],
    [
      'a flag that is nearly one',
      (text) => text.replace('tensor-parallel-size', 'tensor-paralell-size'),
      'r.yaml:24:29: backend.sglang_config.prefill.tensor-paralell-size: is no flag that is known here, but nearly one (did you mean tensor-parallel-size?)',
    ],
    [
      'a benchmark key of another type',
      (text) => text.replace('"sa-bench"', 'manual'),
      'r.yaml:40:8: benchmark.isl: has no effect: the type is manual (set benchmark.type)',
    ],
    [
      'a time limit below the wait for readiness',
      (text) => `${text}slurm: {time_limit: 10}\n`,
      'r.yaml:43:21: slurm.time_limit: 10 is all the time of the job, but the wait for readiness may take 1800 s (ask for more time, or lower health_check.max_attempts)',
    ],
    [
      'a time limit of weeks',
      (text) => `${text}slurm: {time_limit: 30-0}\n`,
      'r.yaml:43:21: slurm.time_limit: got "30-0", which is 30 days',
    ],
    [
      'the environment of workers that are not there',
      (text) => text.replace('  sglang_config:', '  aggregated_environment: {A: 1}\n  sglang_config:'),
      'r.yaml:21:3: backend.aggregated_environment: has no effect: resources ask for no aggregated workers',
    ],
    ['dynamo in router mode', (text) => `${text}dynamo: {install: false}\n`, 'r.yaml:43:1: dynamo: has no effect in router mode'],
    [
      'a router in Dynamo mode',
      (text) => text.replace('use_sglang_router: true', 'router: bundled'),
      'r.yaml:17:11: backend.router: has no effect: there are routers only in router mode (set backend.use_sglang_router: true)',
    ],
    [
      'a header without affinity',
      (text) => `${text}frontend: {nginx_session_affinity_header: X-A}\n`,
      'r.yaml:43:43: frontend.nginx_session_affinity_header: has no effect without nginx_session_affinity: true',
    ],
    [
      'nodes that stay empty',
      (text) => text.replace('prefill_workers: 2', 'prefill_workers: 2\n  gpus_per_prefill: 2').replace('tensor-parallel-size: 4', 'tp: 2'),
      'r.yaml:11:18: resources.prefill_nodes: 2 prefill workers of 2 GPUs use 1 of 2 nodes',
    ],
  ];
  for (const [what, change, expected] of WARNINGS) {
    it(`tells ${what} and stops nothing`, () => {
      const { recipes, warnings } = load(change(SEED_RECIPE));
      assert.equal(recipes.length, 1);
      assert.ok(warnings.map(formatProblem).includes(expected), warnings.map(formatProblem).join('\n'));
    });
  }
});

it('is quick: the largest recipe is judged in a few milliseconds', () => {
  const text = SEED_RECIPE.replace('prefill_nodes: 2', 'prefill_nodes: 500').replace('prefill_workers: 2', 'prefill_workers: 500');
  load(text);
  const times = Array.from({ length: 5 }, () => {
    const start = performance.now();
    assert.deepEqual(problemsOf(text), []);
    return performance.now() - start;
  });
  assert.ok(Math.min(...times) < 50, `${times.join(' ')} ms`);
});
