/** One measuring window: one entrant, one workload. */
import { join } from 'node:path';
import type { Entrant, Running } from './entrants/entrant.ts';
import { readCounters, resetWorker } from './native.ts';
import { isListening, residentMib, threadCount } from './process-family.ts';
import type { Program, Programs } from './processes.ts';
import type { Workload } from './workloads.ts';

/** What the load generator prints. */
export interface LoadReport {
  readonly seconds: number;
  /** Requests or events inside the window. */
  readonly units: number;
  readonly events: number;
  readonly expected_events: number;
  readonly per_s: number;
  readonly cpu_us: number;
  readonly cpu_us_per_unit: number;
  readonly cpu_workers_us: number;
  readonly cpu_load_us: number;
  readonly cpu_machine_us: number;
  readonly p50_us: number;
  readonly p99_us: number;
  readonly reconnects: number;
  readonly errors: number;
  readonly first_errors: readonly string[];
}

export interface WindowResult extends LoadReport {
  readonly workload: string;
  readonly name: string;
  readonly round: number;
  readonly rss_mib: number;
  readonly threads: number;
  /** Requests per worker. */
  readonly split: readonly number[];
  /** Share of the requests that went to the worker which gets most of their prefix; null without requests. */
  readonly affinity: number | null;
  /** Streams that a worker saw cut. */
  readonly aborted: number;
  /** Cores that programs outside the race used meanwhile. */
  readonly other_cores: number;
  /** The proxy read several events at a time, or not all: cheap, but not what the race measures. */
  readonly is_disturbed: boolean;
}

export interface WindowSettings {
  readonly seconds: number;
  readonly warmup: number;
  /** Points of a step over which the streams of a worker are spread. */
  readonly phases: number;
}

const NOTHING: LoadReport = {
  seconds: 0,
  units: 0,
  events: 0,
  expected_events: 0,
  per_s: 0,
  cpu_us: 0,
  cpu_us_per_unit: 0,
  cpu_workers_us: 0,
  cpu_load_us: 0,
  cpu_machine_us: 0,
  p50_us: 0,
  p99_us: 0,
  reconnects: 0,
  errors: 1,
  first_errors: [],
};

const failure = (what: string): LoadReport => ({ ...NOTHING, first_errors: [what] });

async function runLoad(programs: Programs, args: readonly string[]): Promise<LoadReport> {
  const { output, code, signal } = await programs.run(join(programs.dir, 'load'), args);
  try {
    return JSON.parse(output);
  } catch {
    return failure(`the load generator ended with ${code ?? signal}: ${output.slice(0, 200)}`);
  }
}

/** Share of the requests that went to the worker which got most of their prefix. */
export function affinityOf(prefixes: readonly Readonly<Record<string, number>>[]): number | null {
  let most = 0;
  let all = 0;
  for (const tag of new Set(prefixes.flatMap((counts) => Object.keys(counts)))) {
    const counts = prefixes.map((ofWorker) => ofWorker[tag] ?? 0);
    most += Math.max(...counts);
    all += counts.reduce((a, b) => a + b, 0);
  }
  return all === 0 ? null : most / all;
}

export interface Contestant {
  readonly entrant: Entrant;
  readonly running: Running;
}

export interface Bystanders {
  readonly programs: Programs;
  /** Workers that this workload may reach. */
  readonly workers: readonly Program[];
  /** All mock workers, for the CPU time that is not the proxy's. */
  readonly allWorkers: readonly Program[];
}

type Sample = Omit<WindowResult, 'workload' | 'name' | 'round'>;

/** Measures once. The result's errors say what went wrong. */
export async function measureWindow(
  { entrant, running }: Contestant,
  workload: Workload,
  { programs, workers, allWorkers }: Bystanders,
  settings: WindowSettings,
): Promise<Sample> {
  const { program, port } = running;
  for (const worker of workers) await resetWorker(worker, workload.rate, settings.phases);
  const pids = program?.pids() ?? [];
  let report: LoadReport;
  if (program?.isDead) report = failure('the proxy has died');
  else if (program && !isListening(pids, port)) report = failure('the proxy does not listen any more');
  else {
    // Windows of streams are twice as long: a stream gives one event per 20 ms, however fast the proxy is.
    const seconds = workload.rate > 0 ? settings.seconds * 2 : settings.seconds;
    const args = [...workload.args, '--port', port, '--seconds', seconds, '--warmup', settings.warmup];
    args.push('--pids', pids.join(','), '--also', allWorkers.map((worker) => worker.pid).join(','));
    report = await runLoad(programs, args.map(String));
  }
  if (program && entrant.kind === 'plain' && report.units > 0 && report.cpu_us === 0) {
    report = {
      ...report,
      errors: report.errors + 1,
      first_errors: [...report.first_errors, 'no CPU time was seen: not the process that was watched'],
    };
  }
  const counters = await Promise.all(workers.map(readCounters));
  const others = report.cpu_machine_us - report.cpu_us - report.cpu_workers_us - report.cpu_load_us;
  return {
    ...report,
    rss_mib: residentMib(pids),
    threads: threadCount(pids),
    split: counters.map((counter) => counter.posts),
    affinity: affinityOf(counters.map((counter) => counter.prefixes)),
    aborted: counters.reduce((sum, counter) => sum + counter.aborted, 0),
    other_cores: report.seconds > 0 ? others / (report.seconds * 1e6) : 0,
    is_disturbed: workload.rate > 0 && (report.p50_us > 1e6 / workload.rate || report.events < 0.95 * report.expected_events),
  };
}
