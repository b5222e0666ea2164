/** Source of the workers in the settings of the router (`--worker-urls`, `--prefill`, `--decode`). */
import type { WorkerAddress } from '../../../base/core/worker-address.ts';
import type { DesiredWorker } from '../registry/source.ts';
import { MAX_WORKERS } from '../registry/worker-limit.ts';
import { DEFAULT_OPTIONS } from '../registry/worker-options.ts';
import type { SourceSink, WorkerSource } from './worker-source.ts';

export interface NamedWorkers {
  readonly workerUrls: readonly WorkerAddress[];
  readonly prefill: readonly { readonly address: WorkerAddress; readonly bootstrapPort: number | null }[];
  readonly decode: readonly WorkerAddress[];
  /** Sent to each of them; null: none. */
  readonly apiKey: string | null;
}

/** A source whose workers a reload of the settings can replace. */
export interface CommandLine extends WorkerSource {
  /**
   * What the settings name now. Only what differs from before counts: a worker that the control API has removed stays away as long as it
   * is named all the time. Throws RangeError, and changes nothing, when there are more than MAX_WORKERS.
   */
  replace(named: NamedWorkers): void;
}

/** Throws RangeError when there are more than MAX_WORKERS. */
export function commandLine(named: NamedWorkers): CommandLine {
  let workers = desiredOf(named);
  let registry: SourceSink | null = null;
  const source: CommandLine = {
    name: 'the command line',
    label: 'static',
    isLasting: false,
    start: (sink) => {
      registry = sink;
      sink.desire(source, [...workers.values()]);
    },
    stop: async () => {
      registry = null;
    },
    replace: (next) => {
      const after = desiredOf(next);
      const isKept = (key: string): boolean => workers.has(key) && after.has(key);
      const joining = [...after].flatMap(([key, worker]) => (isKept(key) ? [] : [worker]));
      const leaving = [...workers].flatMap(([key, { address }]) => (isKept(key) ? [] : [address.url]));
      workers = after;
      if (joining.length > 0 || leaving.length > 0) registry?.desire(source, joining, leaving);
    },
  };
  return source;
}

/** By what makes two of them the same: URL, role and bootstrap port. */
function desiredOf({ workerUrls, prefill, decode, apiKey }: NamedWorkers): ReadonlyMap<string, DesiredWorker> {
  const options = { ...DEFAULT_OPTIONS, apiKey };
  const workers: DesiredWorker[] = [
    ...workerUrls.map((address) => ({ address, options })),
    ...prefill.map(({ address, bootstrapPort }) => ({ address, options: { ...options, type: 'prefill' as const, bootstrapPort } })),
    ...decode.map((address) => ({ address, options: { ...options, type: 'decode' as const } })),
  ];
  if (workers.length > MAX_WORKERS) throw new RangeError(`${workers.length} workers: expected at most ${MAX_WORKERS}`);
  return new Map(
    workers.map((worker) => [`${worker.address.url} ${worker.options.type} ${worker.options.bootstrapPort}`, worker] as const),
  );
}
