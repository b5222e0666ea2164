/** The main thread's end of the probe listener: starts its thread, reports to it, and stops it. */
import { Worker } from 'node:worker_threads';
import type { Clock, TimerHandle } from '../../base/core/clock.ts';
import type { Logger } from '../../base/core/logger.ts';
import { type ProbeReport, REPORT_INTERVAL_MS } from './probe-answer.ts';
import type { ThreadStart, ThreadStarted } from './probe-thread.ts';

export interface ProbePortOptions {
  /** Name or address; IPv6 with or without brackets. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The port cannot be bound. `message` names it and the reason. */
export class ProbePortError extends Error {
  constructor(port: number, code: string) {
    super(`--health-check-port ${port}: cannot listen (${code}); choose another or free it`);
    this.name = 'ProbePortError';
  }
}

/** The thread answers from a few kilobytes; Node's limits without these are those of the router itself. */
const LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 32 };

export class ProbePort {
  readonly address: ThreadStart;
  readonly #thread: Worker;
  readonly #clock: Clock;
  #readiness: (() => ProbeReport) | null = null;
  #timer: TimerHandle | null = null;

  /** Resolves when it listens; /readiness is 503 until `begin`. Throws ProbePortError. */
  static async start({ host, port, clock, logger }: ProbePortOptions): Promise<ProbePort> {
    const workerData: ThreadStart = { host: host.replace(/^\[(.*)\]$/, '$1'), port };
    const thread = new Worker(new URL('./probe-thread.js', import.meta.url), { workerData, resourceLimits: LIMITS });
    const started = await new Promise<ThreadStarted>((resolve, reject) => {
      thread.once('message', resolve);
      thread.once('error', reject);
    });
    thread.removeAllListeners('error');
    if (started.kind === 'failed') {
      await thread.terminate();
      throw new ProbePortError(port, started.code);
    }
    // Its probes fail from now on, which is what the prober must learn; the router itself still works.
    thread.on('error', (err) => logger.error({ err }, 'the listener of --health-check-port failed'));
    return new ProbePort(thread, started.address, clock);
  }

  private constructor(thread: Worker, address: ThreadStart, clock: Clock) {
    this.#thread = thread;
    this.address = address;
    this.#clock = clock;
  }

  /** Reports what `readiness` returns, now and again and again. */
  begin(readiness: () => ProbeReport): void {
    this.#readiness = readiness;
    this.report();
  }

  /** Reports now: something has changed that cannot wait for the next report. */
  report(): void {
    if (this.#readiness === null) return;
    this.#timer?.cancel();
    this.#thread.postMessage(this.#readiness());
    this.#timer = this.#clock.after(REPORT_INTERVAL_MS, () => this.report());
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    this.#readiness = null;
    this.#timer?.cancel();
    await this.#thread.terminate();
  }
}
