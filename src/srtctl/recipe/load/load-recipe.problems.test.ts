import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { load, problemsOf, warningsOf } from '../../../../test/support/load-text.ts';
import { SEED_RECIPE, smallRecipe } from '../../../../test/support/recipe-texts.ts';
import { formatProblem } from '../text/problem.ts';
import { loadRecipe } from './load-recipe.ts';

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
    (text) => text.replace('use_sglang_router: true', 'use_sglang_router: maybe'),
    'r.yaml:17:22: backend.use_sglang_router: got maybe, expected true or false',
  ],
  [
    'a word of a list',
    (text) => text.replace('"sa-bench"', 'sabench'),
    'r.yaml:39:9: benchmark.type: got sabench, expected manual, sa-bench, custom, sglang-bench, router, trace-replay, mooncake-router, gsm8k, gpqa, mmlu, longbenchv2, aime or lm-eval (did you mean sa-bench?)',
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
    'a port that is none',
    (text) => text.replaceAll('30001', '300010'),
    'r.yaml:26:38: backend.sglang_config.prefill.disaggregation-bootstrap-port: got 300010, expected a port from 1 to 65535',
  ],
  [
    'a rate below 0',
    (text) => text.replace('osl: 8000', 'osl: 8000\n  req_rate: -1'),
    'r.yaml:42:13: benchmark.req_rate: got -1, expected inf or a number of requests per second above 0',
  ],
  ['a path without characters', (text) => text.replace('"deepseek-r1-fp4"', '""'), 'r.yaml:4:9: model.path: is missing'],
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
  ['a key of srt-slurm that is missing here', (text) => `${text}schema: 3\n`, 'r.yaml:43:9: schema: got 3, expected 1 or 2'],
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
      'r.yaml:39:9: benchmark.type: got sabench, expected manual, sa-bench, custom, sglang-bench, router, trace-replay, mooncake-router, gsm8k, gpqa, mmlu, longbenchv2, aime or lm-eval (did you mean sa-bench?)',
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

describe('a warning', () => {
  const WARNINGS: readonly [string, (text: string) => string, string][] = [
    [
      'a key of srt-slurm without effect',
      (text) => `${text}enable_config_dump: true\n`,
      'r.yaml:43:21: enable_config_dump: has no effect here: the plan and the resolved recipe are always written',
    ],
    [
      'a flag of older YAML',
      (text) => text.replace('tensor-parallel-size: 4', 'tensor-parallel-size: 4\n      enable-metrics: on'),
      'r.yaml:25:23: backend.sglang_config.prefill.enable-metrics: on counts as true, as in older YAML (write true, or "on" in quotes for the word)',
    ],
    [
      'a workspace that is not there',
      (text) => `${text}container_mounts: {$INFMAX_WORKSPACE: /infmax-workspace}\n`,
      'r.yaml:43:39: container_mounts.$INFMAX_WORKSPACE: mounts nothing at /infmax-workspace: there is no variable INFMAX_WORKSPACE (set INFMAX_WORKSPACE where srtctl runs)',
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
    [
      'a variable that names itself',
      (text) => `${text}environment: {HF_TOKEN: "\${HF_TOKEN}"}\n`,
      'r.yaml:43:25: environment.HF_TOKEN: is that of the environment that srtctl runs in: left as it is there',
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
      'r.yaml:11:18: resources.prefill_nodes: 2 prefill workers of 2 GPUs need 1 of 2 nodes and spread over 2 (pack_workers: true fills one node after the other, as srt-slurm does)',
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

describe('suggestions for unknown keys', () => {
  const CASES: readonly (readonly [more: string, suggestion: RegExp])[] = [
    ['frontend: {http-port: 1}', /^flags of routers and frontends go under frontend\.args$/],
    ['dynamo: {http-port: 1}', /^known here: install, /],
    ['http-port: 1', /^known here: name, /],
    ['sgl-router: {}', /^known here: name, /],
    ['backend: {router-mode: kv}', /^known here: type, /],
    ['backend: {sglang-config: {}}', /^did you mean backend\.sglang_config\?$/],
    ['infra: {etcd_nats_dedicated_nodes: true}', /^did you mean infra\.etcd_nats_dedicated_node\?$/],
    ['benchmark: {num_prompts: 1}', /^did you mean benchmark\.num_prompts_mult\?$/],
    ['backend: {enable_multiple_frontend: true}', /^did you mean backend\.enable_multiple_frontends\?$/],
    ['slurm: {gpus_per_node: 4}', /^did you mean resources\.gpus_per_node\?$/],
  ];
  for (const [more, suggestion] of CASES)
    it(`lead nowhere else: ${more}`, () => {
      const { problems } = loadRecipe(smallRecipe(`${more}\n`), 'r.yaml');
      const told = problems.filter(({ message }) => message.startsWith('unknown key'));
      assert.equal(told.length, 1, problems.map(formatProblem).join('\n'));
      assert.match(told[0]?.suggestion ?? '', suggestion);
    });
});

describe('a preview', () => {
  it('keeps variables that this host lacks as they are written', () => {
    const text = smallRecipe('extra_mount: ["$NOWHERE/x:/x"]\n').replace('/models/small', '$MODELS/dsfp4');
    const { recipes, warnings, problems } = loadRecipe(text, 'r.yaml', { isPreview: true });
    assert.deepEqual(problems, []);
    assert.deepEqual([recipes[0]?.model.path, recipes[0]?.mounts[0]?.host], ['$MODELS/dsfp4', '$NOWHERE/x']);
    const told = warnings.map(({ path, message }) => `${path}: ${message}`);
    assert.ok(told.includes('model.path: "$MODELS/dsfp4": there is no variable MODELS'), told.join('\n'));
    assert.ok(told.includes('extra_mount.0: "$NOWHERE/x": there is no variable NOWHERE'), told.join('\n'));
  });
});

describe('recipes for other engines', () => {
  const RECIPES: readonly (readonly [engine: string, recipe: string, problem: string])[] = [
    [
      'vLLM',
      'name: a\nbackend: {type: vllm, connector: null, vllm_config: {prefill: {tensor-parallel-size: 1}}}\nprofiling: {phases: prefill}\n',
      'r.yaml:2:17: backend.type: this recipe is for vLLM: srtctl starts only SGLang engines',
    ],
    [
      'TensorRT-LLM of schema 2',
      'schema: 2\nname: a\nengine: {type: trtllm, numa_memory_bind: true}\nroles: {prefill: {extra_args: [--a]}}\nfrontend: {type: trtllm_serve}\n',
      'r.yaml:3:16: engine.type: this recipe is for TensorRT-LLM: srtctl starts only SGLang engines',
    ],
    [
      'several engines',
      'schema: 2\nname: a\nroles: {prefill: {engine: sglang}, decode: {engine: tilert}}\n',
      'r.yaml:3:53: roles.decode.engine: this recipe is for TileRT: srtctl starts only SGLang engines',
    ],
    [
      'the mocker, in two variants',
      'base: {name: a, backend: {type: mocker}}\noverride_b: {benchmark: {isl: 1}}\noverride_c: {benchmark: {isl: 2}}\n',
      'r.yaml:1:33: backend.type: this recipe is for the mocker of Dynamo: srtctl starts only SGLang engines (backend.type: sim starts simulated engines)',
    ],
  ];
  for (const [engine, recipe, problem] of RECIPES)
    it(`have one problem: ${engine}`, () => {
      const { problems } = loadRecipe(recipe, 'r.yaml');
      assert.deepEqual(problems.map(formatProblem), [problem]);
    });
});
