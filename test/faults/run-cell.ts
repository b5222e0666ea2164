/** Plays one cell of the matrix and judges it. Routers are shared by the cells that need no flags of their own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Owner } from '../support/owner.ts';
import { type Cell, isPaired } from './cell.ts';
import { type Fault, isPending, rightOf } from './fault.ts';
import { RouterUnderTest } from './router-under-test.ts';
import { Scene } from './scene.ts';

export interface Result {
  readonly fault: string;
  readonly cell: Cell;
  readonly saw: string;
  readonly right: string;
  readonly why: string;
  /** Of the longest client request, in ms. */
  readonly tookMs: number;
  readonly withinMs: number;
  /** Counts that did not return to zero, and descriptors too many. */
  readonly left: readonly string[];
  /** The part that it waits for; null: none. */
  readonly pending: string | null;
  /** As it must be: right, or wrong where a part does not exist yet. */
  readonly isExpected: boolean;
}

/** Owns what it is given, and ends it in reverse order. */
class Cleanup implements Owner {
  readonly #ends: (() => void | Promise<void>)[] = [];

  after(end: () => void | Promise<void>): void {
    this.#ends.push(end);
  }

  async run(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end();
  }
}

export class FaultBench {
  readonly #owner: Owner;
  readonly #shared = new Map<boolean, Promise<RouterUnderTest>>();

  constructor(owner: Owner) {
    this.#owner = owner;
  }

  async play(fault: Fault, cell: Cell): Promise<Result> {
    const cleanup = new Cleanup();
    try {
      const router = await this.#router(fault, cell, cleanup);
      const { saw, tookMs, left } = await playIn(router, fault, cell);
      const right = rightOf(fault, cell);
      const isRight = saw === right && tookMs <= fault.withinMs && left.length === 0;
      const pending = isPending(fault, cell) ? (fault.pending?.part ?? null) : null;
      const { name, why, withinMs } = fault;
      return { fault: name, cell, saw, right, why, tookMs, withinMs, left, pending, isExpected: isRight === (pending === null) };
    } finally {
      await cleanup.run();
    }
  }

  async #router({ flags }: Fault, cell: Cell, cleanup: Cleanup): Promise<RouterUnderTest> {
    const paired = isPaired(cell);
    if (flags === undefined) {
      const shared = this.#shared.get(paired) ?? startWarm(this.#owner, paired, []);
      this.#shared.set(paired, shared);
      return shared;
    }
    const directory = mkdtempSync(join(tmpdir(), 'faults-'));
    cleanup.after(() => rmSync(directory, { recursive: true }));
    return startWarm(cleanup, paired, flags(directory));
  }
}

/** A router that has served and forgotten workers: what it holds then is what an empty router holds. */
async function startWarm(owner: Owner, paired: boolean, flags: readonly string[]): Promise<RouterUnderTest> {
  const router = await RouterUnderTest.start(owner, paired, flags);
  await inScene(router, paired ? 'prefill plain' : 'plain', 2, (scene) => scene.askTimes(4));
  await router.takeBaseline();
  return router;
}

interface Played {
  readonly saw: string;
  readonly tookMs: number;
  readonly left: readonly string[];
}

async function playIn(router: RouterUnderTest, fault: Fault, cell: Cell): Promise<Played> {
  const { result, left } = await inScene(router, cell, fault.workers ?? 2, async (scene) => {
    const saw = await fault.play(scene).catch((error: unknown) => `error: ${String(error)}`);
    return { saw, tookMs: Math.round(scene.longestMs) };
  });
  if (router.program.exited !== null) return { ...result, left: ['no router'] };
  const descriptors = await router.leakedDescriptors();
  return { ...result, left: descriptors > 0 ? [...left, `${descriptors} descriptors`] : left };
}

async function inScene<T>(
  router: RouterUnderTest,
  cell: Cell,
  workers: number,
  play: (scene: Scene) => Promise<T>,
): Promise<{ result: T; left: string[] }> {
  const cleanup = new Cleanup();
  try {
    const scene = await Scene.open(cleanup, router, cell, workers);
    const result = await play(scene);
    return { result, left: router.program.exited === null ? await scene.close() : [] };
  } finally {
    await cleanup.run();
  }
}
