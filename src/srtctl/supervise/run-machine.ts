/**
 * The state machine of a run: hears events, orders effects. No input, no output, no clock of its own; time comes with each event.
 *
 *   preparing ─opened─► starting tier 0 ─all ready─► tier 1 ... tier 3 ─► proving ─passed─► benchmarking (or serving) ─ended 0─┐
 *       │                  │                                                │                  │                              │
 *       │ port taken       │ cannot start, ended, timed out                │ no answer        │ ended, failed, node lost     │
 *       ▼                  ▼                                                ▼                  ▼                              │
 *    failing: SETTLE_MS, in which others may turn out to have failed first                                                    │
 *       │                        ┌── cancel (from everywhere before)                                                          │
 *       ▼                        ▼                                                                                            ▼
 *    stopping: tear-down ─all ended─► closing ─closed─► ended  ◄──────────────────────────────────────────────────────────────
 */
import { type Plan, TIERS } from '../plan/plan.ts';
import { blameEtcd } from './blame-etcd.ts';
import { type FailureParts, failureOf } from './failure-of.ts';
import { type Failure, firstFailure } from './first-failure.ts';
import { DOUBTFUL_SMOKE_TEST_IDLE, IdleTimeout, SMOKE_TEST_IDLE, seconds } from './idle-timeout.ts';
import { findContradictions } from './plan-hints.ts';
import { printable } from './printable.ts';
import { endInWords, ProcessRecord } from './process-record.ts';
import { makeReport } from './report.ts';
import type { FailureReport, RunOutcome, RunState } from './run-directory.ts';
import { type Effect, type RunEvent, tell } from './run-events.ts';
import { answered, silenceFailure, silenceFailures, unanswered } from './silences.ts';
import { StartTimeouts } from './start-timeouts.ts';
import { KILLED, TearDown } from './tear-down.ts';

/** Crashes come in groups: the process that started it may be heard of a moment after one of its victims. */
const SETTLE_MS = 200;
/** After a failed benchmark every process is asked, which takes so long at most. */
const ASK_LIMIT_MS = 15_000;
/** SLURM tells the end of a process that nobody can reach any more up to 30 s late. */
const END_LIMIT_MS = 30_000;

export class RunMachine {
  state: RunState = 'preparing';
  outcome: RunOutcome | null = null;
  report: FailureReport | null = null;
  readonly records: ReadonlyMap<string, ProcessRecord>;
  readonly #plan: Plan;
  readonly #failures: Failure[] = [];
  readonly #startTimeouts = new StartTimeouts();
  readonly #tearDown: TearDown;
  /** Of the processes whose log tells readiness; the line may be heard before the start is. */
  readonly #saidReady = new Set<string>();
  #tier: number | null = null;
  /** Upper bound of the wait for readiness; set when the first process starts. */
  #limitMs = Number.POSITIVE_INFINITY;
  #smokeTestTimeout: IdleTimeout | null = null;
  #smokeTestDetail: string | null = null;
  #suspect: { readonly id: string | null; readonly why: string } | null = null;
  /** After a failed benchmark: processes that are gone and whose end has not been heard of. Null: nobody was asked. */
  #awaited: Set<string> | null = null;
  #settledAtMs: number | null = null;
  #isClosing = false;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.records = new Map(plan.processes.map((process) => [process.id, new ProcessRecord(process)]));
    this.#tearDown = new TearDown([...this.records.values()]);
  }

  /** Tier that is being started or stopped. */
  get tier(): number | null {
    return this.state === 'stopping' ? this.#tearDown.tier : this.state === 'starting' ? this.#tier : null;
  }

  begin(): Effect[] {
    const warnings = findContradictions(this.#plan).map((text) => tell({ type: 'warning', text }));
    return [this.#stateNotice(), ...warnings, { do: 'open' }];
  }

  /** Next point in time at which `tick` must come. */
  get deadlineMs(): number {
    if (this.state === 'ended') return Number.POSITIVE_INFINITY;
    if (this.#settledAtMs !== null) return this.#settledAtMs;
    if (this.state === 'stopping') return this.#tearDown.deadlineMs;
    if (this.state === 'proving') return this.#smokeTestTimeout?.deadlineMs ?? Number.POSITIVE_INFINITY;
    if (this.state !== 'starting') return Number.POSITIVE_INFINITY;
    return this.#startTimeouts.deadlineMs(this.#unready());
  }

  handle(event: RunEvent, nowMs: number): Effect[] {
    if (this.state === 'ended') return [];
    switch (event.type) {
      case 'opened':
        return this.#opened(event.clashes, nowMs);
      case 'open-failed':
        return this.#fail({ outcome: 'start', summary: event.message, kind: 'other' }, nowMs);
      case 'started':
        return this.#started(event.id, event.pid, nowMs);
      case 'start-failed':
        return this.#startFailed(event.id, event.message, nowMs);
      case 'line':
        return this.#line(event.id, printable(event.text), nowMs);
      case 'log-failed':
        return this.#logFailed(event.id, event.code);
      case 'not-ready':
        return this.#notReady(event.id, event.detail, nowMs);
      case 'ready':
        return this.#ready(event.id, nowMs);
      case 'answered':
        return this.#isWatching(event.id) ? answered(this.#record(event.id), nowMs) : [];
      case 'unanswered':
        return this.#unanswered(event.id, event.why, nowMs);
      case 'not-well':
        return this.#notWell(event.id, event.why, event.isGone);
      case 'asked-all':
        return this.#askedAll(nowMs);
      case 'ended':
        return this.#ended(event, nowMs);
      case 'node-lost':
        return this.#fail(
          { outcome: 'running', summary: `node ${event.node} was lost: ${event.why}`, kind: 'node', node: event.node },
          nowMs,
        );
      case 'smoke-test-pending':
        this.#smokeTestDetail = event.detail;
        return [];
      case 'suspect':
        this.#suspect = event;
        return [];
      case 'smoke-test-passed':
        return this.state === 'proving' && this.#settledAtMs === null ? this.#measure(nowMs) : [];
      case 'smoke-test-failed':
        return this.#smokeTestFailed(event.via, event.message, nowMs);
      case 'broken':
        return this.#fail({ outcome: 'running', summary: event.message, kind: 'other' }, nowMs);
      case 'cancel':
        return this.#cancel(event.by, nowMs);
      case 'closed':
        return this.#closed(event.leftovers);
      case 'tick':
        return this.#tick(nowMs);
    }
  }

  #opened(clashes: readonly string[], nowMs: number): Effect[] {
    if (this.state !== 'preparing') return [];
    if (clashes.length > 0) {
      const [first = '', ...others] = clashes;
      const summary = `${first}${others.length > 0 ? ` (and ${others.length} more: ${others.slice(0, 5).join('; ')})` : ''}`;
      return this.#fail({ outcome: 'start', summary, kind: 'other' }, nowMs);
    }
    this.#limitMs = nowMs + this.#plan.healthCheck.timeoutMs;
    this.state = 'starting';
    return this.#startTierAbove(Number.NEGATIVE_INFINITY, nowMs);
  }

  /** The lowest tier above `tier` that has processes; the benchmark waits for the smoke test. */
  #startTierAbove(tier: number, nowMs: number): Effect[] {
    const next = Math.min(...this.#plan.processes.map((process) => process.tier).filter((one) => one > tier && one < TIERS.benchmark));
    if (next === Number.POSITIVE_INFINITY) return this.#smokeTest(nowMs);
    this.#tier = next;
    return [this.#stateNotice(), ...this.#start(next, nowMs)];
  }

  #start(tier: number, nowMs: number): Effect[] {
    const records = [...this.records.values()].filter(({ planned }) => planned.tier === tier);
    for (const record of records) {
      record.state = 'starting';
      this.#startTimeouts.begin(record, nowMs, this.#limitMs);
    }
    return [...records.map((record) => tell(record.notice())), { do: 'start', ids: records.map(({ id }) => id) }];
  }

  #started(id: string, pid: number | null, nowMs: number): Effect[] {
    const record = this.#record(id);
    record.pid = pid;
    record.startedAtMs = nowMs;
    if (record.state !== 'starting') return [tell(record.notice())];
    const { kind } = record.planned.ready;
    if (kind === 'none' || kind === 'exit') return [tell(record.notice()), ...this.#ready(id, nowMs)];
    if (kind === 'log' && this.#saidReady.has(id)) return [tell(record.notice()), ...this.#ready(id, nowMs)];
    if (kind === 'done' || kind === 'log') return [tell(record.notice())];
    return [tell(record.notice()), { do: 'watch', id }];
  }

  #startFailed(id: string, message: string, nowMs: number): Effect[] {
    const record = this.#record(id);
    record.state = 'ended';
    record.endedAtMs = nowMs;
    record.endedOnItsOwn = true;
    record.detail = message;
    const effects = [tell(record.notice())];
    if (this.state === 'stopping') return [...effects, ...this.#progressTearDown(this.#tearDown.ended(nowMs))];
    return [...effects, ...this.#fail({ outcome: 'start', summary: message, kind: 'process', record }, nowMs)];
  }

  #line(id: string, text: string, nowMs: number): Effect[] {
    const record = this.#record(id);
    record.line(text, nowMs);
    this.#startTimeouts.line(record, text, nowMs);
    if (record.planned.tier === TIERS.workers) this.#smokeTestTimeout?.line(text, nowMs);
    const { ready } = record.planned;
    const saysReady = ready.kind === 'log' && record.state === 'starting' && new RegExp(ready.pattern).test(text);
    if (saysReady) this.#saidReady.add(id);
    return [tell({ type: 'line', id, text }), ...(saysReady && record.startedAtMs !== null ? this.#ready(id, nowMs) : [])];
  }

  #logFailed(id: string, code: string): Effect[] {
    const { log } = this.#record(id).planned;
    const why = code === 'ENOSPC' ? 'the disk is full' : code === 'EDQUOT' ? 'the disk quota is used up' : code;
    return [tell({ type: 'warning', text: `${log} cannot be written (${why}); ${id} goes on, lines are lost` })];
  }

  #notReady(id: string, detail: string, nowMs: number): Effect[] {
    const record = this.#record(id);
    if (record.state !== 'starting' || record.detail === detail) return [];
    record.detail = detail;
    this.#startTimeouts.sign(record, nowMs);
    return [tell(record.notice())];
  }

  #ready(id: string, nowMs: number): Effect[] {
    const record = this.#record(id);
    if (record.state !== 'starting') return [];
    record.state = 'ready';
    record.detail = null;
    record.readyAtMs = nowMs;
    record.answeredAtMs = nowMs;
    return [tell(record.notice()), { do: 'probe', id }, ...this.#nextTier(nowMs)];
  }

  /** Once everything of the tier at hand is ready or done. */
  #nextTier(nowMs: number): Effect[] {
    if (this.state !== 'starting' || this.#settledAtMs !== null || this.#unready().length > 0) return [];
    return this.#startTierAbove(this.#tier ?? Number.NEGATIVE_INFINITY, nowMs);
  }

  #smokeTest(nowMs: number): Effect[] {
    this.state = 'proving';
    this.#tier = null;
    const rules = findContradictions(this.#plan).length > 0 ? DOUBTFUL_SMOKE_TEST_IDLE : SMOKE_TEST_IDLE;
    this.#smokeTestTimeout = new IdleTimeout(rules, nowMs, this.#limitMs);
    return [this.#stateNotice(), { do: 'smoke-test' }];
  }

  #measure(nowMs: number): Effect[] {
    this.#smokeTestTimeout = null;
    this.#suspect = null;
    const hasBenchmark = this.#plan.processes.some(({ tier }) => tier === TIERS.benchmark);
    this.state = hasBenchmark ? 'benchmarking' : 'serving';
    return [this.#stateNotice(), ...(hasBenchmark ? this.#start(TIERS.benchmark, nowMs) : [])];
  }

  #smokeTestFailed(via: string, message: string, nowMs: number): Effect[] {
    if (this.state !== 'proving') return [];
    return this.#unproved(`a request through ${via} was not answered: ${message}`, nowMs);
  }

  #ended({ id, end }: Extract<RunEvent, { type: 'ended' }>, nowMs: number): Effect[] {
    const record = this.#record(id);
    const wasReady = record.readyAtMs !== null;
    record.endedOnItsOwn = record.state !== 'stopping';
    record.state = 'ended';
    record.end = end;
    record.endedAtMs = nowMs;
    record.isSilent = false;
    record.detail = record.detail === KILLED ? `${KILLED}: it did not stop in time` : endInWords(end);
    const effects = [tell(record.notice())];
    if (this.state === 'stopping') return [...effects, ...this.#progressTearDown(this.#tearDown.ended(nowMs))];
    this.#heardAwaited(id, nowMs);
    if (record.planned.ready.kind === 'done' && end.code === 0) return [...effects, ...this.#nextTier(nowMs)];
    const isBenchmark = record.planned.ready.kind === 'exit';
    if (isBenchmark && end.code === 0) {
      if (this.state !== 'benchmarking' || this.#settledAtMs !== null || this.#benchmarksRun()) return effects;
      this.outcome = 'ok';
      return [...effects, ...this.#stop(nowMs)];
    }
    if (!record.planned.critical && !isBenchmark) {
      return [...effects, tell({ type: 'warning', text: `${id} ${endInWords(end)}; the run goes on without it` })];
    }
    const afterMs = nowMs - (record.startedAtMs ?? nowMs);
    const when = isBenchmark ? '' : wasReady ? ' while it was needed' : ` before it was ready (${seconds(afterMs)} after its start)`;
    const summary = `${id} on ${record.planned.node} ${endInWords(end)}${when}`;
    const outcome = isBenchmark ? 'benchmark' : wasReady ? 'running' : 'start';
    return [...effects, ...this.#fail({ outcome, summary, kind: isBenchmark ? 'benchmark' : 'process', record }, nowMs)];
  }

  /** Silence counts while nothing else has failed. */
  #isWatching(id: string): boolean {
    return this.#record(id).state === 'ready' && this.state !== 'stopping' && this.#settledAtMs === null;
  }

  #unanswered(id: string, why: string, nowMs: number): Effect[] {
    if (!this.#isWatching(id)) return [];
    const record = this.#record(id);
    const { silenceMs } = this.#plan.healthCheck;
    const effects = unanswered(record, why, silenceMs, nowMs);
    if (!record.planned.critical || nowMs - (record.answeredAtMs ?? nowMs) < silenceMs) return effects;
    const failures = silenceFailures(this.records.values());
    this.#failures.push(...failures);
    this.#settledAtMs = nowMs + SETTLE_MS;
    return [...effects, { do: 'stop-asking' }, tell({ type: 'warning', text: failures[0]?.summary ?? '' })];
  }

  #notWell(id: string, why: string, isGone: boolean): Effect[] {
    const record = this.#record(id);
    if (this.#awaited === null || this.state === 'stopping' || record.state !== 'ready' || !record.planned.critical) return [];
    if (isGone) this.#awaited.add(id);
    else record.isSilent = true;
    const summary = `${id} on ${record.planned.node} does not answer after the benchmark has failed: ${why}`;
    this.#failures.push(silenceFailure(record, summary));
    return [tell({ type: 'warning', text: summary })];
  }

  #askedAll(nowMs: number): Effect[] {
    if (this.#awaited === null || this.#settledAtMs === null) return [];
    this.#settledAtMs = nowMs + (this.#awaited.size > 0 ? END_LIMIT_MS : SETTLE_MS);
    return [];
  }

  /** The last one that was waited for: what failed first is known. */
  #heardAwaited(id: string, nowMs: number): void {
    if (this.#awaited?.delete(id) !== true || this.#awaited.size > 0 || this.#settledAtMs === null) return;
    this.#settledAtMs = Math.min(this.#settledAtMs, nowMs + SETTLE_MS);
  }

  /** The fleet is up, and requests are not answered. */
  #unproved(summary: string, nowMs: number): Effect[] {
    const { id = null, why = null } = this.#suspect ?? {};
    const words = why === null ? summary : `${why} (${summary})`;
    return this.#fail({ outcome: 'readiness', summary: words, kind: 'other', ...(id === null ? {} : { record: this.#record(id) }) }, nowMs);
  }

  #benchmarksRun(): boolean {
    return [...this.records.values()].some((record) => record.planned.tier === TIERS.benchmark && record.lives);
  }

  #cancel(by: string, nowMs: number): Effect[] {
    if (this.state === 'stopping') return this.#progressTearDown(this.#tearDown.hurry(nowMs));
    if (this.#settledAtMs !== null) {
      // Something failed already and the report will say what; there is just no time for late news.
      this.#settledAtMs = null;
      return this.#stop(nowMs);
    }
    this.#failures.unshift(failureOf({ outcome: 'cancelled', summary: `cancelled by ${by} while ${this.#doing()}`, kind: 'other' }, nowMs));
    return this.#stop(nowMs);
  }

  #doing(): string {
    switch (this.state) {
      case 'starting':
        return `starting ${this.#unready()
          .map(({ id }) => id)
          .slice(0, 6)
          .join(', ')}`;
      case 'proving':
        return 'sending the first requests';
      case 'benchmarking':
        return 'the benchmark ran';
      default:
        return this.state;
    }
  }

  #tick(nowMs: number): Effect[] {
    if (this.#settledAtMs !== null) {
      if (nowMs < this.#settledAtMs) return [];
      this.#settledAtMs = null;
      return this.#stop(nowMs);
    }
    if (this.state === 'stopping') return this.#progressTearDown(this.#tearDown.tick(nowMs));
    if (this.state === 'proving') {
      const why = this.#smokeTestTimeout?.over(nowMs) ?? null;
      if (why === null) return [];
      return this.#unproved(`the first requests were not answered, ${why}: ${this.#smokeTestDetail ?? 'no answer'}`, nowMs);
    }
    if (this.state !== 'starting') return [];
    return this.#startTimeouts.late(this.#unready(), nowMs).flatMap(({ record, why }) => {
      const missing = record.detail ?? 'it has not started';
      const summary = `${record.id} on ${record.planned.node} did not become ready, ${why}: ${missing}`;
      return this.#fail({ outcome: 'readiness', summary, kind: 'wait', record }, nowMs);
    });
  }

  #fail(what: FailureParts, nowMs: number): Effect[] {
    // What ends while everything is being stopped is a consequence.
    if (this.state === 'stopping') return [];
    this.#failures.push(failureOf(what, nowMs));
    if (this.#settledAtMs !== null) return [];
    const warning = tell({ type: 'warning', text: what.summary });
    // A benchmark usually fails because of what it measures, and that may be heard of later than the benchmark.
    if (what.kind === 'benchmark') {
      this.#awaited = new Set();
      this.#settledAtMs = nowMs + ASK_LIMIT_MS;
      return [{ do: 'stop-asking' }, { do: 'ask-all' }, warning];
    }
    this.#settledAtMs = nowMs + SETTLE_MS;
    return [{ do: 'stop-asking' }, warning];
  }

  #stop(nowMs: number): Effect[] {
    this.state = 'stopping';
    const effects = this.#progressTearDown(this.#tearDown.begin(nowMs));
    return [{ do: 'stop-asking' }, this.#stateNotice(), ...effects];
  }

  #progressTearDown(effects: Effect[]): Effect[] {
    if (!this.#tearDown.isDone || this.#isClosing) return effects;
    this.#isClosing = true;
    return [...effects, { do: 'close' }];
  }

  #closed(leftovers: readonly string[]): Effect[] {
    this.state = 'ended';
    const stopped = [...this.#tearDown.stopped, ...leftovers];
    if (this.#failures.length === 0) {
      this.outcome ??= 'ok';
      return [this.#stateNotice()];
    }
    const isCancelled = this.#failures[0]?.outcome === 'cancelled';
    const first = isCancelled ? this.#failures[0]! : firstFailure(this.#failures);
    const others = this.#failures.filter((one) => one !== first);
    this.outcome = first.outcome;
    this.report = makeReport(this.#plan, this.records, blameEtcd(first, this.records), others, stopped);
    return [tell({ type: 'report', report: this.report }), this.#stateNotice()];
  }

  #unready(): ProcessRecord[] {
    return [...this.records.values()].filter(({ state, planned }) => state === 'starting' && planned.tier === this.#tier);
  }

  #record(id: string): ProcessRecord {
    const record = this.records.get(id);
    if (record === undefined) throw new Error(`the plan has no process ${id}`);
    return record;
  }

  #stateNotice(): Effect {
    const detail = this.state === 'ended' ? this.outcome : null;
    return tell({ type: 'state', state: this.state, tier: this.tier, detail });
  }
}
