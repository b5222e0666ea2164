/** What clients see when one worker of a fleet under load is killed and nobody starts it again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { realClock } from '../../src/base/runtime/clock.ts';
import { SteadyLoad } from './clients.ts';
import type { Fleet } from './fleet.ts';

const CLIENTS = 8;
const OUTPUT_TOKENS = 40;
/** Longer than Dynamo lists a dead worker by default of a plan (15 s), so that what the end of the lease brings is seen. */
const QUIET_MS = 20_000;
const LIMIT_MS = 60_000;

export interface Death {
  /** Requests that ended after the death. */
  readonly requests: number;
  readonly failed: number;
  /** From the death to the end of the last request that failed, s; 0: none did. */
  readonly lastFailureS: number;
  /** Longest wait for a first token among those that began after the death and succeeded, ms. */
  readonly longestFirstMs: number;
  /** Message of a failure -> how often. */
  readonly messages: Readonly<Record<string, number>>;
}

/** The fleet is without its launcher from then on. `quietMs`: without a failure for so long, it is over. */
export async function killWorker(fleet: Fleet, quietMs: number = QUIET_MS): Promise<Death> {
  const victim = fleet.workers.at(-1);
  if (victim?.pid === null || victim === undefined) throw new Error('the fleet has no worker');
  fleet.hold();
  const load = new SteadyLoad(fleet.endpoint, CLIENTS, OUTPUT_TOKENS);
  try {
    // Every connection, and every worker, has been used by then.
    while (load.samples.length < 4 * CLIENTS) await sleep(10);
    if (load.samples.some(({ error }) => error !== null)) throw new Error('requests fail before a worker has died');
    process.kill(victim.pid, 'SIGKILL');
    const deathMs = realClock.nowMs();
    const failuresSince = () => load.samples.filter(({ error, endMs }) => error !== null && endMs >= deathMs);
    while (realClock.nowMs() - Math.max(deathMs, failuresSince().at(-1)?.endMs ?? 0) < quietMs) {
      if (realClock.nowMs() - deathMs > LIMIT_MS) break;
      await sleep(50);
    }
    const after = load.samples.filter(({ endMs }) => endMs >= deathMs);
    const failed = failuresSince();
    const messages: Record<string, number> = {};
    for (const { error } of failed) messages[error ?? ''] = (messages[error ?? ''] ?? 0) + 1;
    return {
      requests: after.length,
      failed: failed.length,
      lastFailureS: failed.length === 0 ? 0 : ((failed.at(-1)?.endMs ?? deathMs) - deathMs) / 1000,
      longestFirstMs: Math.max(
        ...after
          .filter(({ startMs, error }) => startMs >= deathMs && error === null)
          .map(({ firstMs, startMs }) => (firstMs ?? startMs) - startMs),
      ),
      messages,
    };
  } finally {
    await load.stop();
  }
}
