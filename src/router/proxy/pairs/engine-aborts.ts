/**
 * Tells engines to forget requests (`POST /abort_request`). Closing the socket is not enough: an engine that answers in one
 * piece looks for its client only every 4 s, and computes until then (SGLang 0.5.23, observed).
 *
 * Nobody waits for the answer; an abort that comes late, twice or for a request that is over does nothing.
 */
import type { Clock } from '../../../base/core/clock.ts';
import { type Linked, LinkedList } from '../../../base/core/linked-list.ts';
import { Deadline, type TimerWheel } from '../../../base/runtime/timer-wheel.ts';
import { RequestBody } from '../request/body.ts';
import type { BodyMemory } from '../request/body-memory.ts';
import type { Flight, Sink, Upstream } from '../upstream/seam.ts';

/** Under way at one engine: when a thousand clients leave at once, it is not to get a thousand connections more. */
const MAX_OPEN = 64;
/** Waiting for all engines together, and as many that are said once more; beyond it only the socket tells the engine. */
const MAX_WAITING = 32_768;
const DEADLINE_MS = 5000;
/** By then an engine has seen by itself that its client is gone: what waits longer is dropped. */
const STALE_AFTER_MS = 4000;
/** An engine that is still reading a request does not know its id yet, and forgets the abort. */
const AGAIN_AFTER_MS = 1000;

export interface AbortParts {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly memory: BodyMemory;
}

/** An abort that waits for others of its engine. */
class Waiting implements Linked<Waiting> {
  readonly rid: string;
  readonly fields: readonly string[];
  /** On the Clock. */
  readonly sinceMs: number;
  previous: Waiting | null = null;
  next: Waiting | null = null;
  isListed = false;

  constructor(rid: string, fields: readonly string[], sinceMs: number) {
    this.rid = rid;
    this.fields = fields;
    this.sinceMs = sinceMs;
  }
}

/** The aborts of one engine, while it has any. */
interface Lane {
  readonly upstream: Pick<Upstream, 'send'>;
  readonly open: Set<AbortCall>;
  readonly waiting: LinkedList<Waiting>;
  /** Those that wait are being sent: one that fails at once does not start over. */
  isSending: boolean;
}

export class EngineAborts {
  readonly #parts: AbortParts;
  readonly #lanes = new Map<Pick<Upstream, 'send'>, Lane>();
  #waiting = 0;
  /** Armed: aborts that are said once more. */
  readonly #later = new Set<Deadline>();
  #onEmpty: (() => void) | null = null;

  constructor(parts: AbortParts) {
    this.#parts = parts;
  }

  /** Under way or waiting now. */
  get open(): number {
    let open = this.#waiting;
    for (const lane of this.#lanes.values()) open += lane.open.size;
    return open;
  }

  /**
   * For a request that may not have got as far as its abort: says it twice. The engine would see by itself that its client
   * is gone, but of a plain request only after 4 s.
   */
  sendTwice(upstream: Pick<Upstream, 'send'>, rid: string, fields: readonly string[]): void {
    this.send(upstream, rid, fields);
    if (this.#later.size >= MAX_WAITING) return;
    const again = new Deadline(() => {
      this.#later.delete(again);
      this.send(upstream, rid, fields);
    });
    this.#later.add(again);
    this.#parts.wheel.arm(again, AGAIN_AFTER_MS);
  }

  /**
   * `upstream`: the one that the request went to, also when its worker has left the fleet since. `fields`: flat name, value list
   * that the engine gets with it (its own key is added by its pool).
   */
  send(upstream: Pick<Upstream, 'send'>, rid: string, fields: readonly string[]): void {
    let lane = this.#lanes.get(upstream);
    if (lane === undefined) {
      lane = { upstream, open: new Set(), waiting: new LinkedList(), isSending: false };
      this.#lanes.set(upstream, lane);
    }
    if (lane.open.size < MAX_OPEN) this.#start(lane, rid, fields);
    else if (this.#waiting < MAX_WAITING) {
      this.#waiting++;
      lane.waiting.add(new Waiting(rid, fields, this.#parts.clock.nowMs()));
    }
  }

  /** Resolves when all have been answered, at the latest after `graceMs`; the rest is given up. */
  async stop(graceMs: number): Promise<void> {
    if (this.#lanes.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#parts.clock.after(graceMs, resolve);
        this.#onEmpty = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    for (const lane of [...this.#lanes.values()]) {
      for (const one of lane.waiting.list()) this.#forget(lane, one);
      for (const call of [...lane.open]) call.cancel();
    }
    for (const again of this.#later) this.#parts.wheel.cancel(again);
    this.#later.clear();
  }

  #start(lane: Lane, rid: string, fields: readonly string[]): void {
    const json = Buffer.from(JSON.stringify({ rid }));
    const body = new RequestBody(json.length, this.#parts.memory);
    body.hold(json, 0, json.length, json.length);
    body.complete = true;
    const call = new AbortCall(this.#parts, body, (done) => this.#over(lane, done));
    lane.open.add(call);
    call.start(lane.upstream.send({ method: 'POST', target: '/abort_request', fields, body }, call));
  }

  #over(lane: Lane, done: AbortCall): void {
    lane.open.delete(done);
    if (lane.isSending) return;
    lane.isSending = true;
    const oldestMs = this.#parts.clock.nowMs() - STALE_AFTER_MS;
    for (let next = lane.waiting.first; next !== null && lane.open.size < MAX_OPEN; next = lane.waiting.first) {
      this.#forget(lane, next);
      if (next.sinceMs > oldestMs) this.#start(lane, next.rid, next.fields);
    }
    lane.isSending = false;
    if (lane.open.size > 0) return;
    this.#lanes.delete(lane.upstream);
    if (this.#lanes.size === 0) this.#onEmpty?.();
  }

  #forget(lane: Lane, one: Waiting): void {
    if (lane.waiting.delete(one)) this.#waiting--;
  }
}

class AbortCall implements Sink {
  readonly #parts: AbortParts;
  readonly #body: RequestBody;
  readonly #over: (call: AbortCall) => void;
  readonly #deadline: Deadline;
  #flight: Flight | null = null;
  #isOver = false;

  constructor(parts: AbortParts, body: RequestBody, over: (call: AbortCall) => void) {
    this.#parts = parts;
    this.#body = body;
    this.#over = over;
    this.#deadline = new Deadline(() => this.cancel());
  }

  start(flight: Flight): void {
    if (this.#isOver) return;
    this.#flight = flight;
    this.#parts.wheel.arm(this.#deadline, DEADLINE_MS);
  }

  cancel(): void {
    this.#flight?.cancel();
    this.#end();
  }

  onHead(): void {}

  onPieces(): void {}

  onDrain(): void {}

  onEnd(): void {
    this.#end();
  }

  /** The engine is gone, and the request with it; or it is busy, and sees that the socket is closed. */
  onError(): void {
    this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.wheel.cancel(this.#deadline);
    this.#body.release(false);
    this.#over(this);
  }
}
