/** Benchmarks that programs of the container run: scores of answers, `sglang.bench_serving`, aiperf. */
import type { BenchServing, ScoredBenchmark, TraceBenchmark } from '../recipe/resolve/recipe.ts';
import { traceSource } from './bench-argv.ts';
import { PIP_ENVIRONMENT } from './dynamo-source.ts';
import { flagWords } from './flag-words.ts';
import type { PlannedFile, PlannedProcess, PlannedStep } from './plan.ts';

interface Target {
  readonly endpoint: string;
  readonly model: string;
  readonly tokenizer: string;
}

type Tool = (BenchServing | ScoredBenchmark | TraceBenchmark) & Target;

const TOOL_SCRIPT: PlannedFile = {
  path: 'scripts/run-tool.sh',
  content: `#!/bin/bash
# $1: directory for results; $2: a file that the tool writes elsewhere, or nothing; $3: how many words the command has that is preferred where
# its program exists, then these words and those of the command otherwise.
set -o pipefail
results=$1 written=$2 preferred=$3
shift 3
if [ "$preferred" -gt 0 ] && command -v "$1" >/dev/null; then set -- "\${@:1:$preferred}"; else shift "$preferred"; fi
mkdir -p "$results"
[ -z "$written" ] || rm -f -- "$written"
"$@" 2>&1 | tee "$results/tool.log"
status=$?
if [ -n "$written" ] && [ -e "$written" ]; then cp -- "$written" "$results/"; fi
exit $status
`,
};

const POINTS_SCRIPT: PlannedFile = {
  path: 'scripts/run-points.sh',
  content: `#!/bin/bash
# $1: directory for results; $2: concurrencies with x between; more: the command, in which @point@ and @concurrency@ are replaced.
set -o pipefail
results=$1 points=$2
shift 2
mkdir -p "$results"
point=0
for concurrency in \${points//x/ }; do
  point=$((point + 1))
  words=("\${@//@point@/$point}")
  "\${words[@]//@concurrency@/$concurrency}" 2>&1 | tee -a "$results/tool.log" || exit
done
`,
};

/** sglang.bench_serving measures so many requests at each concurrency, as srt-slurm has it. */
const SERVING_PROMPTS = 128;

export function toolProcess(tool: Tool, isContained: boolean): Pick<PlannedProcess, 'argv' | 'before' | 'files'> {
  const results = `<run>/results/${tool.type}`;
  const { written, preferred, words, install } = commandOf(tool, results);
  const before = isContained ? install : [];
  if ('concurrencies' in tool && tool.concurrencies.length > 0) {
    const argv = ['bash', `<run>/${POINTS_SCRIPT.path}`, results, tool.concurrencies.join('x'), ...words];
    return { argv, before, files: [POINTS_SCRIPT] };
  }
  const argv = ['bash', `<run>/${TOOL_SCRIPT.path}`, results, written, String(preferred.length), ...preferred, ...words];
  return { argv, before, files: [TOOL_SCRIPT] };
}

interface ToolCommand {
  /** File that it writes outside of `results`; empty: none. */
  readonly written: string;
  /** Another command that is taken where its program exists; empty: none. */
  readonly preferred: readonly string[];
  readonly words: readonly string[];
  readonly install: readonly PlannedStep[];
}

function commandOf(tool: Tool, results: string): ToolCommand {
  if (tool.type === 'sglang-bench') return servingCommand(tool, results);
  if ('trace' in tool) return aiperfCommand(tool, results);
  return tool.type === 'lm-eval' ? lmEvalCommand(tool, results) : sglangCommand(tool, tool.type, results);
}

/** Values that srt-slurm gives where a recipe says nothing. */
const STANDARD = {
  gsm8k: { name: 'gsm8k', examples: 1319, maxTokens: 16_384, threads: 512, repeat: 1 },
  gpqa: { name: 'gpqa', examples: 198, maxTokens: 32_768, threads: 128, repeat: 8 },
  mmlu: { name: 'mmlu', examples: 200, maxTokens: 2048, threads: 512, repeat: 8 },
  aime: { name: 'aime25', examples: 30, maxTokens: 32_768, threads: 64, repeat: 8 },
  longbenchv2: { name: 'longbench_v2', examples: null, maxTokens: 16_384, threads: 16, repeat: 1 },
} as const;

/** What newer SGLang leaves to the program sgl-eval. Source: `sgl_eval_utils.py` of SGLang 0.5.23. */
const BY_SGL_EVAL: ReadonlySet<string> = new Set(['gpqa', 'mmlu', 'aime']);

/** SGLang's own test scripts. Source: `sglang.test.run_eval` of SGLang 0.5. */
function sglangCommand(tool: ScoredBenchmark & Target, type: keyof typeof STANDARD, results: string): ToolCommand {
  const standard = STANDARD[type];
  const examples = tool.examples ?? standard.examples;
  const repeat = tool.repeat ?? standard.repeat;
  const shared = [
    ...optional('--num-examples', examples),
    ...['--max-tokens', String(tool.maxTokens ?? standard.maxTokens), '--num-threads', String(tool.threads ?? standard.threads)],
    ...optional('--temperature', tool.temperature),
    ...optional('--top-p', tool.topP),
    ...optional('--top-k', tool.topK),
  ];
  const own = [
    ...(repeat === 1 ? [] : ['--repeat', String(repeat)]),
    ...optional('--num-shots', tool.type === 'gsm8k' ? tool.shots : null),
    ...optional('--gsm8k-data-path', tool.type === 'gsm8k' ? tool.data : null),
    ...optional('--max-context-length', tool.maxContextTokens),
    ...(tool.categories.length === 0 ? [] : ['--categories', tool.categories.join(',')]),
  ];
  const preferred = BY_SGL_EVAL.has(tool.type)
    ? [
        'sgl-eval',
        'run',
        standard.name,
        '--base-url',
        `${tool.endpoint}/v1`,
        '--n-repeats',
        String(repeat),
        ...shared,
        '--out-dir',
        results,
      ]
    : [];
  return {
    written: `/tmp/${standard.name}_${tool.model.replaceAll('/', '_')}.json`,
    preferred,
    words: [
      'python3',
      '-m',
      'sglang.test.run_eval',
      '--base-url',
      tool.endpoint,
      '--model',
      tool.model,
      '--eval-name',
      standard.name,
      ...shared,
      ...own,
    ],
    install: [],
  };
}

/** Source: lm-evaluation-harness 0.4. */
function lmEvalCommand(tool: ScoredBenchmark & Target, results: string): ToolCommand {
  const model = [
    `model=${tool.model}`,
    `base_url=${tool.endpoint}/v1/chat/completions`,
    `num_concurrent=${tool.threads ?? 64}`,
    'max_retries=3',
    'tokenized_requests=False',
    ...(tool.maxTokens === null ? [] : [`max_gen_toks=${tool.maxTokens}`]),
  ];
  return {
    written: '',
    preferred: [],
    words: [
      ...['python3', '-m', 'lm_eval', '--model', 'local-chat-completions', '--model_args', model.join(',')],
      ...['--tasks', tool.data ?? 'gsm8k', '--apply_chat_template', '--output_path', results],
      ...optional('--num_fewshot', tool.shots),
      ...optional('--limit', tool.examples),
      ...(tool.temperature === null ? [] : ['--gen_kwargs', `temperature=${tool.temperature}`]),
    ],
    install: [installStep('lm-eval', 'python3 -c \'import lm_eval\' 2>/dev/null || python3 -m pip install "$1"', 'lm-eval[api]')],
  };
}

/** Source: aiperf 0.13. */
function aiperfCommand(tool: TraceBenchmark & Target, results: string): ToolCommand {
  const { aiperf } = tool;
  const isTimed = tool.concurrencies.length === 0;
  const load = isTimed ? ['--fixed-schedule'] : ['--concurrency', '@concurrency@'];
  return {
    written: '',
    preferred: [],
    words: [
      ...[
        'aiperf',
        'profile',
        '--model',
        tool.model,
        '--tokenizer',
        tool.tokenizer,
        '--url',
        tool.endpoint,
        '--endpoint-type',
        'chat',
        '--streaming',
      ],
      ...['--input-file', traceSource(tool.trace), '--custom-dataset-type', 'mooncake_trace', ...load],
      ...[
        '--goodput',
        `time_to_first_token:${tool.goodTtftMs} inter_token_latency:${tool.goodItlMs}`,
        '--artifact-dir',
        isTimed ? results : `${results}/@point@-concurrency-@concurrency@`,
      ],
      ...flagWords(aiperf?.args ?? {}),
    ],
    install: [installStep('aiperf', 'python3 -m pip install --upgrade "$1"', aiperf?.package ?? 'aiperf')],
  };
}

function installStep(what: string, script: string, requirement: string): PlannedStep {
  return { what: `install ${what}`, argv: ['bash', '-c', script, 'srtctl', requirement], cwd: null, env: PIP_ENVIRONMENT };
}

function optional(flag: string, value: string | number | null): readonly string[] {
  return value === null ? [] : [flag, String(value)];
}

/** Source: `sglang.bench_serving` of SGLang 0.5. */
function servingCommand(tool: BenchServing & Target, results: string): ToolCommand {
  const rate = tool.requestRate === null ? 'inf' : String(tool.requestRate);
  return {
    written: '',
    preferred: [],
    words: [
      ...['python3', '-m', 'sglang.bench_serving', '--backend', 'sglang-oai', '--base-url', tool.endpoint],
      ...['--model', tool.model, '--tokenizer', tool.tokenizer, '--dataset-name', 'random', '--random-range-ratio', '1'],
      ...['--random-input-len', String(tool.inputTokens), '--random-output-len', String(tool.outputTokens)],
      ...['--num-prompts', String(SERVING_PROMPTS), '--request-rate', rate, '--max-concurrency', '@concurrency@'],
      ...['--output-file', `${results}/@point@-concurrency-@concurrency@.jsonl`],
    ],
    install: [],
  };
}
