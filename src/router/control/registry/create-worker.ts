/** Makes the description of a worker from its address, the options of its source, and the facts that it reports. */
import { HTTP1, type Worker, type WorkerIndex } from '../../../base/core/worker.ts';
import type { WorkerAddress } from '../../../base/core/worker-address.ts';
import type { WorkerOptions } from './worker-options.ts';
import type { WorkerFacts } from './worker-record.ts';

/** Source: sglang_router 0.3.2. */
const UNKNOWN_MODEL = 'unknown';

export function createWorker(
  index: WorkerIndex,
  id: string,
  address: WorkerAddress,
  options: WorkerOptions,
  facts: WorkerFacts | null,
): Worker {
  return {
    index,
    id,
    url: address.url,
    scheme: address.scheme,
    host: address.host,
    port: address.port,
    authority: address.authority,
    basePath: address.basePath,
    type: options.type,
    // Every engine that the router knows speaks it.
    protocol: HTTP1,
    apiKey: options.apiKey,
    modelId: options.modelId ?? facts?.modelId ?? UNKNOWN_MODEL,
    priority: options.priority,
    cost: options.cost,
    bootstrapPort: options.bootstrapPort,
    rank: null,
    maxRunningRequests: facts?.maxRunningRequests ?? null,
    kvTokens: countOf(facts?.metadata['max_total_num_tokens']),
    labels: options.labels,
  };
}

/** A rank of the engine at `engine`, named as sglang_router 0.3.2 does: `http://host:port@1`. */
export function createRank(engine: Worker, index: WorkerIndex, id: string, number: number, size: number): Worker {
  const { maxRunningRequests: ofEngine, url } = engine;
  const maxRunningRequests = ofEngine === null ? null : Math.max(1, Math.floor(ofEngine / size));
  return { ...engine, index, id, url: `${url}@${number}`, maxRunningRequests, rank: { number, size, engineUrl: url } };
}

/** A scheduler reports the size of its own cache: that of a rank where there are ranks. */
function countOf(text: string | undefined): number | null {
  return text !== undefined && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : null;
}
