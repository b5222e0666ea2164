/** One router of the soak with its engines and clients, and what it has left at the end. */
import { setTimeout as pause } from 'node:timers/promises';
import { createRng } from '../../src/base/runtime/rng.ts';
import type { Role } from '../faults/engines.ts';
import { RouterUnderTest } from '../faults/router-under-test.ts';
import type { Owner } from '../support/owner.ts';
import { type ClientSettings, type Seen, SoakClient } from './client.ts';
import { SoakEngine } from './engine.ts';
import { explain, type Rule } from './explain.ts';
import { type MemorySample, residentBytes } from './memory.ts';
import { type Restart, Restarts } from './restarts.ts';

export interface LaneSettings {
  readonly name: string;
  readonly isPaired: boolean;
  readonly clients: number;
  readonly seconds: number;
  readonly restartEverySecs: number;
  readonly seed: number;
  /** Further flags of the router. */
  readonly flags?: readonly string[];
}

export interface LaneReport {
  readonly name: string;
  readonly requests: number;
  readonly byRule: ReadonlyMap<Rule, number>;
  /** The first of them, in words. */
  readonly unexplained: readonly string[];
  readonly unexplainedCount: number;
  readonly faults: number;
  readonly retries: number;
  readonly restarts: readonly Restart[];
  readonly memory: readonly MemorySample[];
  /** Counts that did not return to zero. */
  readonly left: readonly string[];
  readonly descriptors: number;
  /** Errors and unexpected lines of the router's log. */
  readonly complaints: readonly string[];
}

const MAX_REPLAY_BYTES = 500_000;
/** For requests that no worker answers. Other ones take a second or two. */
const REQUEST_TIMEOUT_SECS = { short: 3, long: 10 };
const SHORT_SECS = 60;
/** For engines that fall silent. They share a process, which a busy machine holds up for seconds at times, and stand still for 2 s. */
const STREAM_IDLE_SECS = 8;
/** The queue of the router is in use, and never full. */
const SLOTS_PER_CLIENT = 0.75;
const WARM_UP_MS = 2000;
const MOST_SHOWN = 20;
/** Retries stay in the budget for 10 s. */
const BUDGET_MS = 12_000;
const ROLES: Readonly<Record<'single' | 'pairs', readonly Role[]>> = {
  single: ['regular', 'regular', 'regular', 'regular'],
  pairs: ['prefill', 'prefill', 'prefill', 'decode', 'decode', 'decode'],
};

export class Lane {
  readonly #settings: LaneSettings;
  readonly #engines: readonly SoakEngine[];
  readonly #router: RouterUnderTest;
  readonly #byRule = new Map<Rule, number>();
  readonly #unexplained: string[] = [];
  readonly #memory: MemorySample[] = [];
  #unexplainedCount = 0;
  #requests = 0;

  /** Resolves when the router uses all engines, and has been used and emptied once before. */
  static async start(owner: Owner, settings: LaneSettings): Promise<Lane> {
    const slots = Math.ceil(settings.clients * SLOTS_PER_CLIENT);
    const router = await RouterUnderTest.start(owner, settings.isPaired, [
      ...['--request-timeout-secs', String(requestTimeoutSecs(settings)), '--stream-idle-timeout-secs', String(STREAM_IDLE_SECS)],
      ...['--max-replay-bytes', String(MAX_REPLAY_BYTES), '--max-concurrent-requests', String(slots)],
      ...['--policy', 'cache_aware', '--health-check-interval-secs', '1'],
      ...(settings.flags ?? []),
    ]);
    const engines = ROLES[settings.isPaired ? 'pairs' : 'single'].map((role, number) => new SoakEngine(number, role));
    for (const engine of engines) await engine.listen();
    owner.after(async () => {
      for (const engine of engines) await engine.kill();
    });
    const lane = new Lane(settings, engines, router);
    await lane.#fill();
    await lane.#clients(0, performance.now() + WARM_UP_MS, () => {});
    await router.left();
    await router.removeAll();
    await router.takeBaseline();
    await lane.#fill();
    return lane;
  }

  private constructor(settings: LaneSettings, engines: readonly SoakEngine[], router: RouterUnderTest) {
    this.#settings = settings;
    this.#engines = engines;
    this.#router = router;
  }

  async run(): Promise<LaneReport> {
    const { seconds, restartEverySecs, seed, name } = this.#settings;
    const untilMs = performance.now() + seconds * 1000;
    const restarts = new Restarts(this.#router, this.#engines, createRng(seed + 0.5));
    await Promise.all([
      this.#clients(seed, untilMs, (seen) => this.#judge(seen)),
      restarts.run(restartEverySecs * 1000, untilMs),
      this.#watch(untilMs),
    ]);
    const left = [...(await this.#router.left()), ...(await this.#budgetLeft())];
    const metrics = await this.#router.metrics();
    await this.#router.removeAll();
    return {
      name,
      requests: this.#requests,
      byRule: this.#byRule,
      unexplained: this.#unexplained,
      unexplainedCount: this.#unexplainedCount,
      faults: this.#engines.reduce((sum, { struck }) => sum + [...struck.values()].reduce((a, b) => a + b, 0), 0),
      retries: metrics.total('smg_worker_retries_total') + metrics.total('smg_pd_retries_total'),
      restarts: restarts.done,
      memory: this.#memory,
      left,
      descriptors: await this.#router.leakedDescriptors(),
      complaints: this.#complaints(),
    };
  }

  async #fill(): Promise<void> {
    for (const { url, role } of this.#engines) await this.#router.add(url, role);
    await this.#router.untilHealthy((healthy) => healthy.length === this.#engines.length, 'the router to use all engines');
  }

  async #clients(seed: number, untilMs: number, note: (seen: Seen) => void): Promise<void> {
    const { clients, name } = this.#settings;
    const engines = this.#engines.map(({ number }) => number);
    const settings = (i: number): ClientSettings => ({
      port: this.#router.port,
      rng: createRng(seed * 1000 + i),
      name: `${name}-${i}`,
      engines,
      patienceMs: 3000 * requestTimeoutSecs(this.#settings),
    });
    await Promise.all(Array.from({ length: clients }, (_, i) => new SoakClient(settings(i), note).run(untilMs)));
  }

  #judge(seen: Seen): void {
    this.#requests++;
    const rule = explain(seen, { engines: this.#engines, maxReplayBytes: MAX_REPLAY_BYTES });
    if (rule !== null) {
      this.#byRule.set(rule, (this.#byRule.get(rule) ?? 0) + 1);
      return;
    }
    this.#unexplainedCount++;
    if (this.#unexplained.length >= MOST_SHOWN) return;
    const { plan, words, engine, startMs, endMs } = seen;
    const fault = plan.fault === null ? 'no fault' : `${plan.fault.name} at ${plan.fault.at}`;
    const kills = this.#engines.flatMap(({ number, killedAtMs }) => killedAtMs.map((ms) => `${number} at ${Math.round(ms)}`));
    this.#unexplained.push(
      `${plan.id} saw ${words} of engine ${engine}, planned: ${fault}, ${seen.bodyBytes} bytes, ${Math.round(startMs)} to ${Math.round(endMs)}; last kill: ${kills.at(-1) ?? 'none'}`,
    );
  }

  /** Memory, and the scrapes and listings that a fleet has in use. */
  async #watch(untilMs: number): Promise<void> {
    const startMs = performance.now();
    while (performance.now() < untilMs) {
      this.#memory.push({ atMs: performance.now() - startMs, bytes: residentBytes(this.#router.pid) });
      await this.#router.workers();
      await this.#router.metrics();
      await pause(1000);
    }
  }

  async #budgetLeft(): Promise<string[]> {
    const startMs = performance.now();
    for (;;) {
      const used = (await this.#router.metrics()).total('smg_retry_budget_used');
      if (used === 0) return [];
      if (performance.now() - startMs > BUDGET_MS) return [`${used} retries in the budget`];
      await pause(500);
    }
  }

  /** Lines of the log that ask for a person: no fault of an engine is one. */
  #complaints(): string[] {
    const { stdout, stderr, exited } = this.#router.program;
    const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.includes('"level":"error"') || line.includes('"level":50'));
    if (exited !== null) lines.push(`the router ended with ${exited.code ?? exited.signal}`);
    return lines.slice(0, MOST_SHOWN);
  }
}

function requestTimeoutSecs({ seconds }: LaneSettings): number {
  return seconds < SHORT_SECS ? REQUEST_TIMEOUT_SECS.short : REQUEST_TIMEOUT_SECS.long;
}
