/** Makes workers for tests of what only looks at them. */
import { HTTP1, type Worker, type WorkerIndex } from '../../src/base/core/worker.ts';

/** A regular worker at `http://worker-N:1`; `facts` replaces what a test needs otherwise. */
export function workerOf(index: WorkerIndex, facts: Partial<Worker> = {}): Worker {
  const host = `worker-${index}`;
  return {
    index,
    id: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
    url: `http://${host}:1`,
    scheme: 'http',
    host,
    port: 1,
    authority: `${host}:1`,
    basePath: '',
    type: 'regular',
    protocol: HTTP1,
    apiKey: null,
    modelId: 'unknown',
    priority: 50,
    cost: 1,
    bootstrapPort: null,
    rank: null,
    maxRunningRequests: null,
    kvTokens: null,
    labels: {},
    ...facts,
  };
}
