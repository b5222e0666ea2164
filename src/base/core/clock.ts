/** Time as a parameter. The only real source is `src/base/runtime/clock.ts`; tests use the fake one beside it. */
export interface Clock {
  /** Monotonic milliseconds with a fraction; the zero point means nothing. Never jumps. */
  nowMs(): number;
  /** Milliseconds since the Unix epoch, for what a person or another machine reads. May jump. */
  wallMs(): number;
  /** Calls `run` once, `delayMs` from now, unless cancelled. Never keeps the process alive by itself. */
  after(delayMs: number, run: () => void): TimerHandle;
}

export interface TimerHandle {
  /** Idempotent; after it `run` is not called any more. */
  cancel(): void;
}
