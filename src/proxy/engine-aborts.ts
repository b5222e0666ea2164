/**
 * Tells engines to forget requests (`POST /abort_request`). Closing the socket is not enough: an engine that answers in one
 * piece looks for its client only every 4 s, and computes until then (SGLang 0.5.23, observed).
 *
 * Nobody waits for the answer; an abort that comes late, twice or for a request that is over does nothing.
 */
import type { Clock } from '../core/clock.ts';
import type { WorkerIndex } from '../core/worker.ts';
import type { ChunkedFramer } from '../http1/chunked-framer.ts';
import { Deadline } from '../runtime/timer-wheel.ts';
import type { ProxyContext } from './context.ts';
import { RequestBody } from './request-body.ts';
import type { Flight, Sink } from './upstream/seam.ts';

/** Under way at once; beyond it only the socket tells the engine. */
const MAX_OPEN = 1024;
const DEADLINE_MS = 5000;
/** An engine that is still reading a request does not know its id yet, and forgets the abort. */
const AGAIN_AFTER_MS = 1000;

export class EngineAborts {
  readonly #ctx: ProxyContext;
  readonly #open = new Set<AbortCall>();
  /** Armed: aborts that are said once more. */
  readonly #later = new Set<Deadline>();
  #onEmpty: (() => void) | null = null;

  constructor(ctx: ProxyContext) {
    this.#ctx = ctx;
  }

  /** Under way now. */
  get open(): number {
    return this.#open.size;
  }

  /**
   * For a request that may not have got as far as its abort: says it twice. The engine would see by itself that its client
   * is gone, but of a plain request only after 4 s.
   */
  sendTwice(worker: WorkerIndex, rid: string, fields: readonly string[]): void {
    this.send(worker, rid, fields);
    if (this.#later.size >= MAX_OPEN) return;
    const again = new Deadline(() => {
      this.#later.delete(again);
      this.send(worker, rid, fields);
    });
    this.#later.add(again);
    this.#ctx.wheel.arm(again, AGAIN_AFTER_MS);
  }

  /** `fields`: flat name, value list that the worker gets with it (its own key is added by its pool). */
  send(worker: WorkerIndex, rid: string, fields: readonly string[]): void {
    const upstream = this.#ctx.upstreams.find(worker);
    if (upstream === undefined || this.#open.size >= MAX_OPEN) return;
    const json = Buffer.from(JSON.stringify({ rid }));
    const body = new RequestBody(json.length, this.#ctx.memory);
    body.hold(json, 0, json.length, json.length);
    body.complete = true;
    const call = new AbortCall(this.#ctx, body, (done) => this.#over(done));
    this.#open.add(call);
    call.start(upstream.send({ method: 'POST', target: '/abort_request', fields, body }, call));
  }

  /** Resolves when all have been answered, at the latest after `graceMs`; the rest is given up. */
  async stop(clock: Clock, graceMs: number): Promise<void> {
    if (this.#open.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = clock.after(graceMs, resolve);
        this.#onEmpty = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    for (const call of [...this.#open]) call.cancel();
    for (const again of this.#later) this.#ctx.wheel.cancel(again);
    this.#later.clear();
  }

  #over(call: AbortCall): void {
    this.#open.delete(call);
    if (this.#open.size === 0) this.#onEmpty?.();
  }
}

class AbortCall implements Sink {
  readonly #ctx: ProxyContext;
  readonly #body: RequestBody;
  readonly #over: (call: AbortCall) => void;
  readonly #deadline: Deadline;
  #flight: Flight | null = null;
  #isOver = false;

  constructor(ctx: ProxyContext, body: RequestBody, over: (call: AbortCall) => void) {
    this.#ctx = ctx;
    this.#body = body;
    this.#over = over;
    this.#deadline = new Deadline(() => this.cancel());
  }

  start(flight: Flight): void {
    if (this.#isOver) return;
    this.#flight = flight;
    this.#ctx.wheel.arm(this.#deadline, DEADLINE_MS);
  }

  cancel(): void {
    this.#flight?.cancel();
    this.#end();
  }

  onHead(): void {}

  onData(_buf: Buffer, _start: number, _end: number): void {}

  onChunk(_buf: Buffer, _start: number, _payload: number, _end: number): void {}

  onFramed(_buf: Buffer, _start: number, _end: number, _framer: ChunkedFramer): void {}

  onBatchEnd(): void {}

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
    this.#ctx.wheel.cancel(this.#deadline);
    this.#body.release(false);
    this.#over(this);
  }
}
