/** Sends completions and watches their answers come. */
import { type Dispatcher, Pool } from 'undici';
import type { Clock } from '../../base/core/clock.ts';
import { CompletionWatch } from './completion-watch.ts';
import type { Sample } from './sample.ts';
import type { Stop } from './stop.ts';

export interface CompletionRequest {
  readonly prompt: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** How prompts are sent: as they are, or as the message of a user, for which the engine applies its chat template. */
export type CompletionApi = 'completions' | 'chat';

export const COMPLETION_PATHS = { completions: '/v1/completions', chat: '/v1/chat/completions' } as const;

export interface ClientOptions {
  /** `http://host:port`, without a path. */
  readonly endpoint: string;
  readonly model: string;
  readonly api: CompletionApi;
  /** Connections at most, null for no limit; one request each at a time. They are used again. */
  readonly connections: number | null;
  /** A request ends with an error when nothing comes for so long. */
  readonly idleMs: number;
  readonly clock: Clock;
  /** Stopped: requests under way end as cut, new ones at once. */
  readonly stop: Stop;
  /** For `Authorization: Bearer`; null: none. */
  readonly apiKey: string | null;
}

const CONNECT_TIMEOUT_MS = 10_000;

export class CompletionClient {
  readonly #options: ClientOptions;
  readonly #pool: Pool;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#pool = new Pool(options.endpoint, {
      connections: options.connections,
      pipelining: 1,
      headersTimeout: options.idleMs,
      bodyTimeout: options.idleMs,
      connect: { timeout: CONNECT_TIMEOUT_MS },
    });
  }

  /** Never rejects: what went wrong is in the sample. */
  complete(request: CompletionRequest): Promise<Sample> {
    const { clock, stop } = this.#options;
    return new Promise((resolve) => {
      const watch = new CompletionWatch(request, clock.nowMs());
      if (stop.isStopped) {
        resolve(watch.cut());
        return;
      }
      let abort: (() => void) | null = null;
      // Before a connection is there nothing can be aborted, and nobody need wait for it.
      const giveBack = stop.onStop(() => (abort === null ? settle(watch.cut()) : abort()));
      const settle = (sample: Sample): void => {
        giveBack();
        resolve(sample);
      };
      const handler: Dispatcher.DispatchHandler = {
        onRequestStart: (controller) => {
          abort = () => controller.abort(new Error('the benchmark ends'));
          if (stop.isStopped) abort();
        },
        onResponseStart: (_controller, status) => watch.head(status),
        onResponseData: (_controller, chunk) => watch.data(chunk, clock.nowMs()),
        onResponseEnd: () => settle(watch.end()),
        onResponseError: (_controller, error) => settle(stop.isStopped ? watch.cut() : watch.fail(describe(error))),
      };
      this.#pool.dispatch(this.#messageOf(request), handler);
    });
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  #messageOf({ prompt, outputTokens }: CompletionRequest): Dispatcher.DispatchOptions {
    const { model, apiKey, api } = this.#options;
    return {
      method: 'POST',
      path: COMPLETION_PATHS[api],
      headers: { 'content-type': 'application/json', ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }) },
      body: JSON.stringify({
        model,
        ...(api === 'chat' ? { messages: [{ role: 'user', content: prompt }] } : { prompt }),
        max_tokens: outputTokens,
        temperature: 0,
        ignore_eos: true,
        stream: true,
        stream_options: { include_usage: true },
      }),
    };
  }
}

/** Codes such as ECONNREFUSED say more than undici's sentences. */
function describe(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? `${error.code}: ` : '';
  return `${code}${error.message || error.name}`;
}
