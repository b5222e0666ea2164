/**
 * The requests of one half of a pair that wait for the other half, for its scheduler.
 *
 *   prefill: newcomer -> meeting -> (queue, prefill) -> handing -> gone
 *   decode:  newcomer -> (queue) -> handing -> arrived -> (decode)
 *
 * Without a half there are none.
 */
import type { Generation } from './generation.ts';
import type { KvHandOver, PairHalf } from './pair-half.ts';
import { ABORTED, pairFailure } from './pair-messages.ts';

interface Arrived {
  readonly generation: Generation;
  readonly kv: KvHandOver;
}

export class PairStages {
  #half: PairHalf | null = null;
  /** Came since `takeNewcomers`. */
  #newcomers: Generation[] = [];
  /** Prefill: those whose decode half has not come. */
  readonly #meeting = new Set<Generation>();
  /** Those whose KV is on its way. */
  readonly #handing = new Set<Generation>();
  /** Decode: KV that has come since `takeArrived`. */
  #arrived: Arrived[] = [];

  join(half: PairHalf): void {
    this.#half = half;
  }

  get isPrefill(): boolean {
    return this.#half?.mode === 'prefill';
  }

  get isDecode(): boolean {
    return this.#half?.mode === 'decode';
  }

  get meetingCount(): number {
    return this.#meeting.size;
  }

  get handingCount(): number {
    return this.#handing.size;
  }

  /** Requests that nothing has been computed of. */
  get queuedCount(): number {
    return this.#newcomers.length + this.#meeting.size;
  }

  /** Whether `generation` is half of a pair here. */
  has({ spec }: Generation): boolean {
    return this.#half !== null && spec.pair !== null;
  }

  handing(): readonly Generation[] {
    return [...this.#handing];
  }

  add(generation: Generation): void {
    this.#newcomers.push(generation);
  }

  /** Those that have not ended since. */
  takeNewcomers(): readonly Generation[] {
    return this.#newcomers.splice(0).filter(({ stage }) => stage !== 'ended');
  }

  /** Prefill: waits for the decode half, which may be there already. */
  meet(generation: Generation): void {
    generation.stage = 'bootstrap';
    this.#meeting.add(generation);
    this.#half?.open(generation);
  }

  /** Prefill: the decode half has come; false when `generation` waits for none any more. */
  met(generation: Generation): boolean {
    if (!this.#meeting.delete(generation)) return false;
    generation.stage = 'queued';
    return true;
  }

  /** Prefill: sends the KV of `generation`. */
  send(generation: Generation): void {
    const { cachedTokens, outputIds, spec } = generation;
    generation.stage = 'transfer';
    this.#handing.add(generation);
    this.#half?.send(generation, { firstToken: outputIds[0] ?? 0, cachedTokens, hasLogprobs: spec.returnLogprob });
  }

  /** Decode: asks for the KV of `generation`. */
  fetch(generation: Generation): void {
    generation.stage = 'transfer';
    this.#handing.add(generation);
    this.#half?.open(generation);
  }

  isHanding(generation: Generation): boolean {
    return this.#handing.has(generation);
  }

  /** Decode: the KV has come. */
  arrived(generation: Generation, kv: KvHandOver): void {
    this.#arrived.push({ generation, kv });
  }

  /** Those that have not ended since; they are no longer part of this. */
  takeArrived(): readonly Arrived[] {
    return this.#arrived.splice(0).filter(({ generation }) => this.#handing.delete(generation));
  }

  /** `generation` has ended. */
  drop(generation: Generation): void {
    this.#meeting.delete(generation);
    this.#handing.delete(generation);
    if (this.has(generation)) this.#half?.drop(generation);
  }

  /** What a request that waits for its other half says when it is told to end; null for one that does not wait. */
  cancelMessage(generation: Generation): string | null {
    const { stage, outputIds } = generation;
    if (this.#half === null || !this.has(generation)) return null;
    const isSetAside = stage === 'queued' && this.isDecode && outputIds.length === 0;
    if (stage !== 'bootstrap' && stage !== 'transfer' && !isSetAside) return null;
    return pairFailure(this.#half.phaseOf(generation), generation, ABORTED);
  }
}
