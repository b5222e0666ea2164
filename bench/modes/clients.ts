/** Clients of a fleet: one after the other, or several at once until they are told to stop. */
import { realClock } from '../../src/base/runtime/clock.ts';
import { CompletionClient } from '../../src/srtctl/bench/completion-client.ts';
import type { Sample } from '../../src/srtctl/bench/sample.ts';
import { Stop } from '../../src/srtctl/bench/stop.ts';
import { MODEL } from './fleets.ts';

/** No request of the benchmark takes as long unless something is wrong. */
const IDLE_MS = 30_000;
/** Tokens, since each byte is one to both simulated engines. */
const PROMPT_BYTES = 64;

function clientOf(endpoint: string, connections: number, stop: Stop): CompletionClient {
  return new CompletionClient({
    endpoint,
    model: MODEL,
    api: 'completions',
    connections,
    idleMs: IDLE_MS,
    clock: realClock,
    stop,
    apiKey: null,
  });
}

const requestOf = (index: number, outputTokens: number) => ({
  // Different from the first byte on: no prefix is found in a cache.
  prompt: `${index} `.padEnd(PROMPT_BYTES, 'a fleet of ships '),
  inputTokens: PROMPT_BYTES,
  outputTokens,
});

/** `requests` streams, `concurrency` at once, over connections that are kept. Throws if one of them fails. */
export async function sendAll(endpoint: string, requests: number, concurrency: number, outputTokens: number): Promise<readonly Sample[]> {
  const client = clientOf(endpoint, concurrency, new Stop());
  const samples: Sample[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < requests) samples.push(await client.complete(requestOf(next++, outputTokens)));
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  await client.close();
  const failed = samples.find(({ error }) => error !== null);
  if (failed !== undefined) throw new Error(`${endpoint}: a request of a fleet that is well failed: ${failed.error}`);
  return samples;
}

/** Streams without end, `concurrency` at once; what has ended is in `samples`, with the time of its end. */
export class SteadyLoad {
  readonly samples: (Sample & { readonly endMs: number })[] = [];
  readonly #stop = new Stop();
  readonly #lanes: Promise<unknown>;
  readonly #client: CompletionClient;

  constructor(endpoint: string, concurrency: number, outputTokens: number) {
    this.#client = clientOf(endpoint, concurrency, this.#stop);
    let next = 0;
    const lane = async (): Promise<void> => {
      while (!this.#stop.isStopped) {
        const sample = await this.#client.complete(requestOf(next++, outputTokens));
        if (!sample.isCut) this.samples.push({ ...sample, endMs: realClock.nowMs() });
        // A refusal takes no time: without a pause the clients would only count how fast they can be refused.
        if (sample.error !== null) await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    this.#lanes = Promise.all(Array.from({ length: concurrency }, lane));
  }

  async stop(): Promise<void> {
    this.#stop.stop();
    await this.#lanes;
    await this.#client.close();
  }
}
