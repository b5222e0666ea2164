/**
 * Tracks each new worker until it is ready: its status for `GET /workers`, its deadline, and the requests that wait for it.
 *
 *   pending ──(first probe reported)──► processing ──(ready)──► no job any more
 *      └──────────(deadline)───────────────┴──────► failed ──(ready after all)──► no job any more
 */
import type { Clock, TimerHandle } from '../../../base/core/clock.ts';
import type { Logger } from '../../../base/core/logger.ts';
import { isEligible } from './eligibility.ts';
import type { WorkerObserver } from './worker-observer.ts';
import type { WorkerRecord } from './worker-record.ts';
import type { WorkerEvent } from './worker-state.ts';

/** Shape of `job_status`. Source: sglang_router 0.3.2. */
export interface JobStatus {
  readonly job_type: 'AddWorker' | 'RemoveWorker';
  readonly worker_url: string;
  readonly status: 'pending' | 'processing' | 'failed';
  readonly message: string | null;
  /** Seconds since the Unix epoch, of the last change. */
  readonly timestamp: number;
}

export type Registered = 'ready' | 'failed' | 'removed' | 'stopped' | 'too-many-waiting';

const MAX_WAITING = 1024;

interface Job {
  status: JobStatus['status'];
  detail: string | null;
  changedWallMs: number;
  readonly deadline: TimerHandle;
  readonly waiting: ((how: Registered) => void)[];
}

export class RegistrationJobs implements WorkerObserver {
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Of workers that are added from now on. */
  timeoutMs: number;
  readonly #jobs = new Map<WorkerRecord, Job>();
  #waiting = 0;

  constructor(clock: Clock, logger: Logger, timeoutMs: number) {
    this.#clock = clock;
    this.#logger = logger;
    this.timeoutMs = timeoutMs;
  }

  workerAdded(record: WorkerRecord): void {
    this.#jobs.set(record, {
      status: 'pending',
      detail: null,
      changedWallMs: this.#clock.wallMs(),
      deadline: this.#clock.after(this.timeoutMs, () => this.#fail(record)),
      waiting: [],
    });
  }

  workerRemoved(record: WorkerRecord): void {
    this.#end(record, 'removed');
  }

  probeEnded(record: WorkerRecord, event: WorkerEvent, detail: string): void {
    // An engine that is up still has to report its ranks: keep the reason why it has not.
    if (event !== 'probe-passed' || record.state.areRanksKnown) this.#note(record, detail);
  }

  phaseChanged(record: WorkerRecord): void {
    if (isEligible(record)) this.#end(record, 'ready');
  }

  ranksMissing(record: WorkerRecord, why: string): void {
    this.#note(record, why);
  }

  /** null for a worker that has been ready. */
  findStatus(record: WorkerRecord): JobStatus | null {
    const job = this.#jobs.get(record);
    if (job === undefined) return null;
    return {
      job_type: 'AddWorker',
      worker_url: record.worker.url,
      status: job.status,
      message: job.detail,
      timestamp: Math.floor(job.changedWallMs / 1000),
    };
  }

  /** Resolves at the latest at the deadline; `failed` leaves the worker registered. */
  async whenRegistered(record: WorkerRecord): Promise<Registered> {
    const job = this.#jobs.get(record);
    if (job === undefined) return record.state.phase === 'removed' ? 'removed' : 'ready';
    if (job.status === 'failed') return 'failed';
    if (this.#waiting >= MAX_WAITING) return 'too-many-waiting';
    this.#waiting++;
    return new Promise((resolve) => job.waiting.push(resolve));
  }

  stop(): void {
    for (const record of [...this.#jobs.keys()]) this.#end(record, 'stopped');
  }

  /** `detail`: what the last probe of the worker saw. */
  #note(record: WorkerRecord, detail: string): void {
    const job = this.#jobs.get(record);
    if (job === undefined || job.status === 'failed') return;
    job.detail = detail;
    if (job.status === 'pending') this.#set(job, 'processing');
  }

  #end(record: WorkerRecord, how: Exclude<Registered, 'failed' | 'too-many-waiting'>): void {
    const job = this.#jobs.get(record);
    if (job === undefined) return;
    this.#jobs.delete(record);
    job.deadline.cancel();
    this.#answer(job, how);
  }

  #fail(record: WorkerRecord): void {
    const job = this.#jobs.get(record);
    if (job === undefined) return;
    this.#set(job, 'failed');
    const timeoutSecs = this.timeoutMs / 1000;
    job.detail = `not ready within ${timeoutSecs} s${job.detail === null ? '' : `: ${job.detail}`}`;
    this.#logger.warn(
      { worker: record.worker.url, timeoutSecs, detail: job.detail },
      'worker did not start in time; it is probed every 1.5 s',
    );
    this.#answer(job, 'failed');
  }

  #set(job: Job, status: JobStatus['status']): void {
    job.status = status;
    job.changedWallMs = this.#clock.wallMs();
  }

  #answer(job: Job, how: Registered): void {
    this.#waiting -= job.waiting.length;
    for (const resolve of job.waiting.splice(0)) resolve(how);
  }
}
