/** A scheduler on a clock that tests move, with a diary of when tokens came. */
import assert from 'node:assert/strict';
import { FakeClock } from '../../src/base/runtime/fake-clock.ts';
import type { Generation, GenerationSpec } from '../../src/sim/scheduling/generation.ts';
import { Scheduler, type SchedulerSettings } from '../../src/sim/scheduling/scheduler.ts';

const SETTINGS: SchedulerSettings = {
  prefillTokensPerSec: 1000,
  stepOverheadMs: 0,
  itlMs: 10,
  itlPerRequestMs: 1,
  kvTokens: 10_000,
  pageSize: 1,
  radixCache: true,
  contextLength: 4096,
  maxRunningRequests: 16,
  maxQueuedRequests: 0,
  chunkedPrefillSize: 500,
  streamInterval: 1,
  meanOutputTokens: 0,
  speedup: 1,
  seed: 1,
};

export const SPEC: GenerationSpec = {
  index: 0,
  rid: 'r',
  prompt: new Uint16Array(100),
  maxNewTokens: 4,
  minNewTokens: 0,
  stop: [],
  stopTokenIds: [],
  keepStop: false,
  ignoreEos: true,
  returnLogprob: false,
  logprobStart: -1,
  sample: 0,
  pair: null,
  rank: 0,
};

export class Rig {
  readonly clock = new FakeClock();
  readonly scheduler: Scheduler;
  readonly times = new Map<Generation, number[]>();
  readonly ended: Generation[] = [];

  constructor(settings: Partial<SchedulerSettings> = {}) {
    this.scheduler = new Scheduler({ ...SETTINGS, ...settings }, this.clock);
  }

  submit(spec: Partial<GenerationSpec> = {}): Generation {
    const generation = this.trySubmit(spec);
    assert.ok(generation !== null, 'the queue is full');
    return generation;
  }

  trySubmit(spec: Partial<GenerationSpec> = {}): Generation | null {
    const note = (generation: Generation): void => {
      this.times.set(generation, [...(this.times.get(generation) ?? []), this.clock.nowMs()]);
    };
    const generation = this.scheduler.submit(
      { ...SPEC, ...spec },
      {
        advanced: note,
        ended: (ended) => {
          note(ended);
          this.ended.push(ended);
        },
      },
    );
    this.scheduler.wake();
    return generation;
  }

  /** Runs until nothing is left to do. */
  finish(): void {
    while (this.clock.advanceToNext());
  }
}

/** A prompt of its own: `length` tokens, all `id`. */
export const prompt = (length: number, id = 0): Uint16Array => new Uint16Array(length).fill(id);
