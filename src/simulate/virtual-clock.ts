/** Time of a simulation: it jumps from timer to timer. Timers are kept in a heap, because a fleet-hour sets millions of them. */
import type { Clock, TimerHandle } from '../base/core/clock.ts';

class VirtualTimer implements TimerHandle {
  readonly dueMs: number;
  readonly order: number;
  run: (() => void) | null;

  constructor(dueMs: number, order: number, run: () => void) {
    this.dueMs = dueMs;
    this.order = order;
    this.run = run;
  }

  cancel(): void {
    this.run = null;
  }
}

export class VirtualClock implements Clock {
  #nowMs = 0;
  #orders = 0;
  readonly #heap: VirtualTimer[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): TimerHandle {
    const timer = new VirtualTimer(this.#nowMs + Math.max(0, delayMs), this.#orders++, run);
    this.#push(timer);
    return timer;
  }

  /** Moves to the next timer and runs it. Timers of one time run in the order in which they were set. False: there is none. */
  step(): boolean {
    for (let next = this.#pop(); next !== undefined; next = this.#pop()) {
      const { run } = next;
      if (run === null) continue;
      this.#nowMs = next.dueMs;
      next.run = null;
      run();
      return true;
    }
    return false;
  }

  #push(timer: VirtualTimer): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(timer);
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (!isBefore(timer, heap[up]!)) break;
      heap[at] = heap[up]!;
      at = up;
    }
    heap[at] = timer;
  }

  #pop(): VirtualTimer | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: VirtualTimer, b: VirtualTimer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}
