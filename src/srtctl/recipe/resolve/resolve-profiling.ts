/** profiling -> what is recorded of which workers; null: nothing. */
import { DEFAULTS } from '../schema/defaults.ts';
import type { RecipeInput } from '../schema/recipe-schema.ts';
import type { Findings } from '../text/findings.ts';
import type { Benchmark, ProfiledSteps, Profiling, WorkerGroup } from './recipe.ts';

export function resolveProfiling(input: RecipeInput, workers: readonly WorkerGroup[], findings: Findings): Profiling | null {
  const given = input.profiling ?? {};
  const type = given.type ?? 'none';
  if (type === 'none') return null;
  const [firstDefault, lastDefault] = DEFAULTS.profiledSteps;
  const steps = workers.map(({ role }): ProfiledSteps => {
    const own = given[role] ?? {};
    return {
      role,
      start: Number(own['start_step'] ?? given.start_step ?? firstDefault),
      stop: Number(own['stop_step'] ?? given.stop_step ?? lastDefault),
    };
  });
  for (const { role, start, stop } of steps) {
    if (stop <= start)
      findings.problem(['profiling', role], `stop_step ${stop} is not above start_step ${start}`, 'record at least one step');
  }
  if (type === 'nsys-time') {
    for (const key of ['delay_secs', 'duration_secs'] as const)
      if (given[key] === undefined) findings.problem(['profiling'], `${key} is missing, which nsys-time needs`);
  }
  return {
    type,
    steps,
    delaySeconds: Number(given.delay_secs ?? 0),
    durationSeconds: Number(given.duration_secs ?? 1),
    nsysTrace: given.nsys_trace ?? DEFAULTS.nsysTrace,
    captureRangeEnd: given.capture_range_end ?? 'stop',
    nsysArgs: [
      ...(given.trace_fork_before_exec === undefined ? [] : [`--trace-fork-before-exec=${given.trace_fork_before_exec}`]),
      ...(given.extra_nsys_args ?? []).map(String),
    ],
  };
}

/** Without a benchmark nothing would run while the engines are profiled: a closed loop of random prompts does. */
export function trafficOfProfiling(input: RecipeInput): Benchmark {
  const given = input.profiling ?? {};
  return {
    type: 'sa-bench',
    inputTokens: Number(given.isl ?? 1024),
    outputTokens: Number(given.osl ?? 128),
    concurrencies: [Number(given.concurrency ?? 16)],
    requestRate: null,
    rangeRatio: 1,
    promptsMultiplier: DEFAULTS.promptsMultiplier,
    warmupMultiplier: 0,
    repeats: 1,
    burstiness: 1,
    asChat: false,
    dataset: null,
    slowDown: null,
    environment: {},
  };
}
