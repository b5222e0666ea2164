/** Source of the workers in the settings with which the router starts (`--worker-urls`, `--prefill`, `--decode`). */
import type { WorkerAddress } from '../../../base/core/worker-address.ts';
import type { DesiredWorker } from '../registry/source.ts';
import { MAX_WORKERS } from '../registry/worker-limit.ts';
import { DEFAULT_OPTIONS } from '../registry/worker-options.ts';
import type { WorkerSource } from './worker-source.ts';

interface NamedWorkers {
  readonly workerUrls: readonly WorkerAddress[];
  readonly prefill: readonly { readonly address: WorkerAddress; readonly bootstrapPort: number | null }[];
  readonly decode: readonly WorkerAddress[];
  /** Sent to each of them; null: none. */
  readonly apiKey: string | null;
}

/** `start` throws RangeError when there are more than MAX_WORKERS. */
export function commandLine({ workerUrls, prefill, decode, apiKey }: NamedWorkers): WorkerSource {
  const options = { ...DEFAULT_OPTIONS, apiKey };
  const workers: DesiredWorker[] = [
    ...workerUrls.map((address) => ({ address, options })),
    ...prefill.map(({ address, bootstrapPort }) => ({ address, options: { ...options, type: 'prefill' as const, bootstrapPort } })),
    ...decode.map((address) => ({ address, options: { ...options, type: 'decode' as const } })),
  ];
  const source: WorkerSource = {
    name: 'the command line',
    label: 'static',
    isLasting: false,
    start: (sink) => {
      if (workers.length > MAX_WORKERS) throw new RangeError(`${workers.length} workers: expected at most ${MAX_WORKERS}`);
      sink.desire(source, workers);
    },
    stop: async () => {},
  };
  return source;
}
