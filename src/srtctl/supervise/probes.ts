/** Asks the processes of a run: whether they are ready, whether they still answer, and who is to blame. Tells what it hears as events. */
import type { Clock } from '../../base/core/clock.ts';
import type { Plan } from '../plan/plan.ts';
import { askAlive, canBeAsked } from './alive.ts';
import type { Asker } from './ask.ts';
import { findSuspect } from './diagnose.ts';
import type { ProcessRecord } from './process-record.ts';
import { askReady } from './readiness.ts';
import type { RunEvent } from './run-events.ts';
import { ENDPOINT } from './smoke-test.ts';

/** Readiness is asked for quickly at first, then ever more slowly, but at least once a second. */
const FIRST_PAUSE_MS = 50;
const PAUSE_GROWTH = 1.25;
const LONGEST_PAUSE_MS = 1000;
/** Between two probes of one process; longer in large fleets, so that all of them together stay below 50 probes in a second. */
const PROBE_PAUSE_MS = 5000;
const PAUSE_PER_PROCESS_MS = 20;
const PROBE_MS = 15_000;
/** A short silence_secs is seen in time. */
const PROBES_PER_LIMIT = 4;
/** After a failed benchmark nothing is under way, and who is well answers soon. */
const AFTERWARDS_MS = 10_000;
/** The first requests may compile kernels: before this nobody is suspected. */
const SUSPECT_MS = 5000;

export interface ProbesDeps {
  readonly plan: Plan;
  readonly records: ReadonlyMap<string, ProcessRecord>;
  readonly bind: (text: string) => string;
  readonly asker: Asker;
  readonly clock: Clock;
  /** Aborted: nothing is asked any more. */
  readonly signal: AbortSignal;
  readonly hear: (event: RunEvent) => void;
}

export class Probes {
  readonly #deps: ProbesDeps;

  constructor(deps: ProbesDeps) {
    this.#deps = deps;
  }

  async untilReady(id: string): Promise<void> {
    const { plan, bind, asker, clock, signal, hear } = this.#deps;
    const record = this.#record(id);
    const longest = Math.max(FIRST_PAUSE_MS, Math.min(LONGEST_PAUSE_MS, plan.healthCheck.intervalMs));
    for (
      let pauseMs = FIRST_PAUSE_MS;
      record.state === 'starting' && !signal.aborted;
      pauseMs = Math.min(longest, pauseMs * PAUSE_GROWTH)
    ) {
      const missing = await askReady(record.planned, bind, asker, clock, signal);
      if (signal.aborted) return;
      if (missing === null) {
        hear({ type: 'ready', id });
        return;
      }
      hear({ type: 'not-ready', id, detail: missing });
      await this.#pause(pauseMs);
    }
  }

  /** While it is ready. */
  async whileReady(id: string): Promise<void> {
    const { records, bind, asker, clock, signal, hear } = this.#deps;
    const record = this.#record(id);
    if (!canBeAsked(record.planned)) return;
    const shareMs = this.#deps.plan.healthCheck.silenceMs / PROBES_PER_LIMIT;
    const pauseMs = Math.max(Math.min(PROBE_PAUSE_MS, shareMs), PAUSE_PER_PROCESS_MS * records.size);
    const timeoutMs = Math.min(PROBE_MS, shareMs);
    for (;;) {
      await this.#pause(pauseMs);
      if (record.state !== 'ready' || signal.aborted) return;
      const none = await askAlive(record.planned, { bind, asker, clock, timeoutMs, signal });
      if (record.state !== 'ready' || signal.aborted) return;
      hear(none === null ? { type: 'answered', id } : { type: 'unanswered', id, why: none.why });
    }
  }

  /** Every process that is ready, once. */
  async all(): Promise<void> {
    const { plan, records, bind, asker, clock, hear } = this.#deps;
    const timeoutMs = Math.min(AFTERWARDS_MS, plan.healthCheck.silenceMs);
    // Of its own: what was asked before the failure is aborted.
    const { signal } = new AbortController();
    const ready = [...records.values()].filter(({ state, planned }) => state === 'ready' && canBeAsked(planned));
    await Promise.all(
      ready.map(async (record) => {
        const none = await askAlive(record.planned, { bind, asker, clock, timeoutMs, signal });
        if (none !== null) hear({ type: 'not-well', id: record.id, ...none });
      }),
    );
    hear({ type: 'asked-all' });
  }

  /** Tells of suspects until `isOver`. `open`: ways that have not answered, as of smoke-test.ts. */
  async suspects(open: () => ReadonlySet<string>, isOver: () => boolean): Promise<void> {
    const { signal } = this.#deps;
    for (;;) {
      await this.#pause(SUSPECT_MS);
      if (isOver() || signal.aborted) return;
      await this.suspect(open());
    }
  }

  async suspect(open: ReadonlySet<string>): Promise<void> {
    const { plan, bind, asker, clock, signal, hear } = this.#deps;
    const entrance = plan.processes.find(({ role }) => role === 'nginx')?.id;
    const ids = [...open].map((via) => (via === ENDPOINT ? (entrance ?? via) : via));
    const suspect = await findSuspect({ processes: plan.processes, model: plan.model, open: ids, bind, asker, clock, signal });
    if (suspect !== null && !signal.aborted) hear({ type: 'suspect', ...suspect });
  }

  #record(id: string): ProcessRecord {
    const record = this.#deps.records.get(id);
    if (record === undefined) throw new Error(`the plan has no process ${id}`);
    return record;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#deps.clock.after(ms, resolve));
  }
}
