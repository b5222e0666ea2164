/** The command line of the client of this package: every setting of it, so that the plan shows what is measured. */
import type { ClientBenchmark } from './plan.ts';

/** Traces that are published by name. Source: the repository of Mooncake. */
const TRACES = 'https://raw.githubusercontent.com/kvcache-ai/Mooncake/main/FAST25-release';
const PUBLISHED: Readonly<Record<string, string>> = {
  mooncake: `${TRACES}/arxiv-trace/mooncake_trace.jsonl`,
  conversation: `${TRACES}/traces/conversation_trace.jsonl`,
  synthetic: `${TRACES}/traces/synthetic_trace.jsonl`,
  toolagent: `${TRACES}/traces/toolagent_trace.jsonl`,
};

export interface ClientExtras {
  /** As of `recordings`. */
  readonly recordings: readonly string[];
  /** Workers that sleep at each step at first. */
  readonly slowed: readonly { readonly url: string }[];
  /** Pages of metrics of the routers. */
  readonly routerMetrics: readonly string[];
}

type Setting = readonly [flag: string, value: string | number];

/** File or URL of a trace. */
export function traceSource(name: string): string {
  return PUBLISHED[name] ?? name;
}

/** Results go to `results` of the run. */
export function clientArgv(benchmark: ClientBenchmark, extras: ClientExtras): readonly string[] {
  const { gpus } = benchmark;
  const settings: readonly Setting[] = [
    ['--endpoint', benchmark.endpoint],
    ['--model', benchmark.model],
    ...ownSettings(benchmark),
    ['--output-dir', '<run>/results'],
    ['--plan-file', '<run>/plan.json'],
    ...(extras.routerMetrics.length === 0 ? [] : ([['--router-metrics', extras.routerMetrics.join(',')]] as const)),
    ['--total-gpus', gpus.total],
    ...(gpus.aggregated > 0
      ? []
      : ([
          ['--prefill-gpus', gpus.prefill],
          ['--decode-gpus', gpus.decode],
        ] as const)),
    ...extras.recordings.map((recording): Setting => ['--record', recording]),
  ];
  const slow = benchmark.type === 'sa-bench' ? benchmark.slowDown : null;
  const slowWords: readonly Setting[] =
    slow === null ? [] : [['--slow-down', `${slow.sleepSeconds},${slow.waitSeconds},${extras.slowed.map(({ url }) => url).join(',')}`]];
  return [
    '<node-binary>',
    '<package>/dist/bin/srtctl.js',
    'bench',
    ...[...settings, ...slowWords].flatMap(([flag, value]) => [flag, String(value)]),
  ];
}

function ownSettings(benchmark: ClientBenchmark): readonly Setting[] {
  switch (benchmark.type) {
    case 'sa-bench':
      return [
        ['--isl', benchmark.inputTokens],
        ['--osl', benchmark.outputTokens],
        ['--concurrencies', benchmark.concurrencies.join('x')],
        ['--req-rate', benchmark.requestRate ?? 'inf'],
        ['--random-range-ratio', benchmark.rangeRatio],
        ['--num-prompts-mult', benchmark.promptsMultiplier],
        ['--num-warmup-mult', benchmark.warmupMultiplier],
        ...(benchmark.repeats === 1 ? [] : ([['--repeats', benchmark.repeats]] as const)),
        ...(benchmark.burstiness === 1 ? [] : ([['--burstiness', benchmark.burstiness]] as const)),
        ...(benchmark.asChat ? ([['--api', 'chat']] as const) : []),
        ...(benchmark.dataset === null ? [] : ([['--dataset', benchmark.dataset]] as const)),
      ];
    case 'router':
      return [
        ['--isl', benchmark.inputTokens],
        ['--osl', benchmark.outputTokens],
        ['--concurrencies', benchmark.concurrency],
        ['--prefix-ratios', benchmark.prefixRatios.join(',')],
        ['--requests', benchmark.requests],
      ];
    case 'trace-replay':
    case 'mooncake-router':
      return [
        ['--trace', traceSource(benchmark.trace)],
        ...(benchmark.concurrencies.length === 0 ? [] : ([['--concurrencies', benchmark.concurrencies.join('x')]] as const)),
        ['--good-ttft-ms', benchmark.goodTtftMs],
        ['--good-itl-ms', benchmark.goodItlMs],
      ];
  }
}
