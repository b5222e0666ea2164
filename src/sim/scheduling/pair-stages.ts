/**
 * The requests of a scheduler that wait for the other half of their pair.
 *
 *   prefill: newcomer -> bootstrapping -> (queue, prefill) -> transferring -> ended
 *   decode:  newcomer -> (queue) -> transferring -> arrived -> (decode)
 *
 * Empty on an engine without pairs.
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
  /** Submitted since `takeNewcomers`. */
  #newcomers: Generation[] = [];
  /** Prefill: requests whose decode half has not arrived. */
  readonly #bootstrapping = new Set<Generation>();
  /** Requests whose KV is being transferred. */
  readonly #transferring = new Set<Generation>();
  /** Decode: KV received since `takeArrived`. */
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

  get bootstrappingCount(): number {
    return this.#bootstrapping.size;
  }

  get transferringCount(): number {
    return this.#transferring.size;
  }

  /** Requests that are not computed yet. */
  get queuedCount(): number {
    return this.#newcomers.length + this.#bootstrapping.size;
  }

  /** Whether `generation` has another half. */
  has({ spec }: Generation): boolean {
    return this.#half !== null && spec.pair !== null;
  }

  transferring(): readonly Generation[] {
    return [...this.#transferring];
  }

  add(generation: Generation): void {
    this.#newcomers.push(generation);
  }

  /** Newcomers that have not ended meanwhile. */
  takeNewcomers(): readonly Generation[] {
    return this.#newcomers.splice(0).filter(({ stage }) => stage !== 'ended');
  }

  /** Prefill: waits for the decode half, which may have arrived before. */
  bootstrap(generation: Generation): void {
    generation.stage = 'bootstrap';
    this.#bootstrapping.add(generation);
    this.#half?.open(generation);
  }

  /** Prefill: the decode half has arrived; false if `generation` no longer waits for it. */
  met(generation: Generation): boolean {
    if (!this.#bootstrapping.delete(generation)) return false;
    generation.stage = 'queued';
    return true;
  }

  /** Prefill: sends the KV of `generation`. */
  send(generation: Generation): void {
    const { cachedTokens, outputIds, spec } = generation;
    generation.stage = 'transfer';
    this.#transferring.add(generation);
    this.#half?.send(generation, { firstToken: outputIds[0] ?? 0, cachedTokens, hasLogprobs: spec.returnLogprob });
  }

  /** Decode: asks for the KV of `generation`. */
  fetch(generation: Generation): void {
    generation.stage = 'transfer';
    this.#transferring.add(generation);
    this.#half?.open(generation);
  }

  isTransferring(generation: Generation): boolean {
    return this.#transferring.has(generation);
  }

  /** Decode: the KV has arrived. */
  arrived(generation: Generation, kv: KvHandOver): void {
    this.#arrived.push({ generation, kv });
  }

  /** Removes and returns the requests whose KV arrived, without those that have ended. */
  takeArrived(): readonly Arrived[] {
    return this.#arrived.splice(0).filter(({ generation }) => this.#transferring.delete(generation));
  }

  /** `generation` has ended. */
  drop(generation: Generation): void {
    this.#bootstrapping.delete(generation);
    this.#transferring.delete(generation);
    if (this.has(generation)) this.#half?.drop(generation);
  }

  /** Error of a request that is aborted while it waits for its other half; null if it does not wait. */
  cancelMessage(generation: Generation): string | null {
    const { stage, outputIds } = generation;
    if (this.#half === null || !this.has(generation)) return null;
    const isSetAside = stage === 'queued' && this.isDecode && outputIds.length === 0;
    if (stage !== 'bootstrap' && stage !== 'transfer' && !isSetAside) return null;
    return pairFailure(this.#half.phaseOf(generation), generation, ABORTED);
  }
}
