/** Restarts one worker after the other while the soak runs, in turn by each of these ways. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Rng } from '../../src/base/core/rng.ts';
import type { RouterUnderTest } from '../faults/router-under-test.ts';
import type { SoakEngine } from './engine.ts';

export const WAYS = ['kill', 'drain', 'replace', 'stand still'] as const;
export type Way = (typeof WAYS)[number];

export interface Restart {
  readonly way: Way;
  readonly engine: number;
  /** Since it listened again until the router used it; null: the router never stopped using it. */
  readonly usedAfterMs: number | null;
}

const STILL_MS = 2000;

export class Restarts {
  readonly done: Restart[] = [];
  readonly #router: RouterUnderTest;
  readonly #engines: readonly SoakEngine[];
  readonly #rng: Rng;

  constructor(router: RouterUnderTest, engines: readonly SoakEngine[], rng: Rng) {
    this.#router = router;
    this.#engines = engines;
    this.#rng = rng;
  }

  /** Until this time of performance.now(); every engine is up and used at the end. */
  async run(everyMs: number, untilMs: number): Promise<void> {
    for (let i = 0; ; i++) {
      const nextMs = performance.now() + everyMs;
      // The last one must be over when the clients leave.
      if (nextMs + everyMs > untilMs) return;
      await pause(everyMs / 2);
      const engine = this.#engines[this.#rng.below(this.#engines.length)]!;
      await this.#restart(engine, WAYS[i % WAYS.length]!);
      await pause(Math.max(0, nextMs - performance.now()));
    }
  }

  async #restart(engine: SoakEngine, way: Way): Promise<void> {
    if (way === 'stand still') {
      await engine.standStill(STILL_MS);
      this.done.push({ way, engine: engine.number, usedAfterMs: null });
      return;
    }
    const gone = engine.url;
    if (way === 'kill') await engine.kill();
    else if (way === 'drain') await engine.drain();
    else {
      await this.#router.remove(gone);
      await this.#router.untilHealthy((healthy) => !healthy.includes(gone), `the router to let go of ${gone}`);
      await pause(1000);
      await engine.kill();
      engine.moveOn();
    }
    await pause(500 + this.#rng.below(1000));
    await engine.listen();
    const startMs = performance.now();
    if (way === 'replace') await this.#router.add(engine.url, engine.role);
    await this.#router.untilHealthy((healthy) => healthy.includes(engine.url), `the router to use ${engine.url} again`);
    this.done.push({ way, engine: engine.number, usedAfterMs: performance.now() - startMs });
  }
}
