/**
 * The prefix index names workers by tokens. A worker gets a fresh token when it joins. When it leaves, the token is dead at once: an
 * entry that still has it names no worker, even after another worker has got the index.
 *
 *   free --join--> alive --leave--> dead --a full sweep of the index begins and ends--> free
 */
import { NONE, type WorkerIndex } from '../../base/core/worker.ts';

/** Token 0 means no owner. */
const MAX_TOKEN = 0xffff;

export class OwnerTokens {
  /** By worker index: token, 0 for none. */
  #tokenOf: Uint16Array = new Uint16Array(64);
  /** By token: worker index, or NONE. */
  #workerOf: Int32Array = new Int32Array(64).fill(NONE);
  #highest = 0;
  readonly #free: number[] = [];
  /** Tokens that died before the current sweep began, and since. */
  #sweeping: number[] = [];
  #waiting: number[] = [];

  get needsSweep(): boolean {
    return this.#sweeping.length > 0 || this.#waiting.length > 0;
  }
  /** No worker can join until a sweep has ended. */
  get isExhausted(): boolean {
    return this.#free.length === 0 && this.#highest === MAX_TOKEN;
  }

  /** The worker's token; 0 if it has not joined. */
  of(worker: WorkerIndex): number {
    return worker >= 0 && worker < this.#tokenOf.length ? this.#tokenOf[worker]! : 0;
  }

  /** The worker of a token; NONE if it is dead. */
  worker(token: number): WorkerIndex {
    return this.#workerOf[token]!;
  }

  /** Idempotent. Must not be called while tokens are exhausted. */
  join(worker: WorkerIndex): void {
    if (this.of(worker) !== 0) return;
    if (worker >= this.#tokenOf.length) {
      const tokens = new Uint16Array(2 ** Math.ceil(Math.log2(worker + 1)));
      tokens.set(this.#tokenOf);
      this.#tokenOf = tokens;
    }
    const token = this.#free.pop() ?? ++this.#highest;
    if (token >= this.#workerOf.length) {
      const workers = new Int32Array(this.#workerOf.length * 2).fill(NONE);
      workers.set(this.#workerOf);
      this.#workerOf = workers;
    }
    this.#tokenOf[worker] = token;
    this.#workerOf[token] = worker;
  }

  /** Idempotent. */
  leave(worker: WorkerIndex): void {
    const token = this.of(worker);
    if (token === 0) return;
    this.#tokenOf[worker] = 0;
    this.#workerOf[token] = NONE;
    this.#waiting.push(token);
  }

  /** Tokens that are dead now are free when this sweep has ended. */
  sweepBegins(): void {
    this.#sweeping = this.#waiting;
    this.#waiting = [];
  }
  sweepEnded(): void {
    this.#free.push(...this.#sweeping);
    this.#sweeping = [];
  }
}
