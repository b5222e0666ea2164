/** What a benchmark asks workers besides answers: to record profiles, and to decode slowly until enough requests have arrived. */
import { request } from 'undici';
import type { Clock, TimerHandle } from '../../base/core/clock.ts';

export interface Recording {
  readonly kind: 'torch' | 'nsys';
  /** Of the worker, `/start_profile` and `/stop_profile` are below it. */
  readonly url: string;
  readonly startStep: number;
  readonly steps: number;
  readonly directory: string;
}

export interface SlowDown {
  readonly sleepSeconds: number;
  readonly waitSeconds: number;
  readonly urls: readonly string[];
}

export interface WorkerCallOptions {
  readonly recordings: readonly Recording[];
  readonly slowDown: SlowDown | null;
  readonly apiKey: string | null;
  readonly clock: Clock;
  readonly say: (line: string) => void;
}

/** Engines write a profile before they answer that it ended. */
const CALL_TIMEOUT_MS = 900_000;
const OK = 200;
const MAX_ANSWER = 200;

/** Source: `/start_profile`, `/stop_profile` and `/slow_down` of SGLang 0.5. */
export class WorkerCalls {
  readonly #options: WorkerCallOptions;
  #isRecording = false;
  #slow: TimerHandle | null = null;

  constructor(options: WorkerCallOptions) {
    this.#options = options;
  }

  /** Before requests are measured. A text says what a worker refused. */
  async beforePoint(index: number): Promise<string | null> {
    const { recordings, slowDown, clock, say } = this.#options;
    if (index === 0 && recordings.length > 0) {
      const refused = await this.#all(recordings.map((recording) => [`${recording.url}/start_profile`, startOf(recording)] as const));
      if (refused.length > 0) return refused[0]!;
      this.#isRecording = true;
      say(`${recordings.length} workers record profiles`);
    }
    if (slowDown === null) return null;
    const refused = await this.#sleep(slowDown.sleepSeconds);
    if (refused.length > 0) return refused[0]!;
    this.#slow = clock.after(slowDown.waitSeconds * 1000, () => void this.afterPoint());
    return null;
  }

  /** Also ends slow steps before their time, when a point is over. */
  async afterPoint(): Promise<readonly string[]> {
    if (this.#slow === null) return [];
    this.#slow.cancel();
    this.#slow = null;
    return await this.#sleep(null);
  }

  /** At the end of the benchmark: what could not be ended, as text. */
  async end(): Promise<readonly string[]> {
    const awake = await this.afterPoint();
    if (!this.#isRecording) return awake;
    this.#isRecording = false;
    const { recordings } = this.#options;
    return [...awake, ...(await this.#all(recordings.map(({ url }) => [`${url}/stop_profile`, {}] as const)))];
  }

  #sleep(seconds: number | null): Promise<readonly string[]> {
    const urls = this.#options.slowDown?.urls ?? [];
    return this.#all(urls.map((url) => [`${url}/slow_down`, { forward_sleep_time: seconds }] as const));
  }

  async #all(calls: readonly (readonly [url: string, body: object])[]): Promise<readonly string[]> {
    const answers = await Promise.all(calls.map(([url, body]) => this.#post(url, body)));
    return answers.filter((answer) => answer !== null);
  }

  async #post(url: string, body: object): Promise<string | null> {
    const { apiKey } = this.#options;
    try {
      const { statusCode, body: answer } = await request(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }) },
        body: JSON.stringify(body),
        headersTimeout: CALL_TIMEOUT_MS,
        bodyTimeout: CALL_TIMEOUT_MS,
      });
      const text = await answer.text();
      return statusCode === OK ? null : `${url} answered ${statusCode}: ${text.slice(0, MAX_ANSWER)}`;
    } catch (error) {
      return `${url} did not answer: ${error instanceof Error ? error.message || error.name : String(error)}`;
    }
  }
}

function startOf({ kind, startStep, steps, directory }: Recording): object {
  return {
    output_dir: directory,
    start_step: startStep,
    num_steps: steps,
    activities: kind === 'nsys' ? ['CUDA_PROFILER'] : ['CPU', 'GPU'],
  };
}
