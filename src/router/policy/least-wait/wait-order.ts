/**
 * Finds the few workers where a request would wait least, without looking at all of them. Two heaps, because waits change with time:
 *
 *   idle: nothing waits for prefill          ordered by the price of their decoding requests, then by requests sent
 *   busy: all waits shrink at the same pace  ordered by the time at which they are free, plus that price
 *
 * Waits of late heads are longer than the order says, so the best of the first few is chosen by its exact wait.
 */
import { NONE, type WorkerIndex } from '../../../base/core/worker.ts';

const ABSENT = -1;
const IDLE = 0;
const BUSY = 1;

export class WaitOrder {
  readonly #heaps: readonly [number[], number[]] = [[], []];
  /** By worker index: the heap of an eligible worker, its place in it, its keys. */
  readonly #heapOf: number[] = [];
  readonly #place: number[] = [];
  readonly #keys: number[] = [];
  readonly #seconds: number[] = [];
  /** Places of one heap that may be next, while candidates are collected. */
  readonly #open: number[] = [];

  /** Replaces the eligible workers. All are idle until `set`. O(workers). */
  setEligible(workers: Int32Array): void {
    for (const heap of this.#heaps) {
      for (const worker of heap) this.#heapOf[worker] = ABSENT;
      heap.length = 0;
    }
    for (const worker of workers) {
      this.#heapOf[worker] = IDLE;
      this.#keys[worker] = 0;
      this.#seconds[worker] = 0;
      this.#push(this.#heaps[IDLE], worker);
    }
  }

  has(worker: WorkerIndex): boolean {
    return (this.#heapOf[worker] ?? ABSENT) !== ABSENT;
  }

  /** Puts an eligible worker to its place; others are ignored. `key`: milliseconds; `second`: decides between equal ones. */
  set(worker: WorkerIndex, isBusy: boolean, key: number, second: number): void {
    const old = this.#heapOf[worker] ?? ABSENT;
    if (old === ABSENT) return;
    this.#keys[worker] = key;
    this.#seconds[worker] = second;
    const wanted = isBusy ? BUSY : IDLE;
    if (old !== wanted) {
      this.#removeFrom(this.#heaps[old as 0 | 1], worker);
      this.#heapOf[worker] = wanted;
      this.#push(this.#heaps[wanted], worker);
      return;
    }
    const heap = this.#heaps[wanted];
    const place = this.#place[worker]!;
    if (!this.#siftUp(heap, place)) this.#siftDown(heap, place);
  }

  /**
   * Writes up to `count` idle and `count` busy workers with the least keys to `out`, those that `isOpen` refuses left out; returns how
   * many. O(count x log count), and a step for each one left out.
   */
  least(count: number, isOpen: (worker: WorkerIndex) => boolean, out: WorkerIndex[]): number {
    let found = 0;
    for (const heap of this.#heaps) {
      const open = this.#open;
      open.length = 0;
      if (heap.length > 0) open.push(0);
      for (let taken = 0; taken < count && open.length > 0; ) {
        const place = this.#takeLeast(heap, open);
        const worker = heap[place]!;
        if (isOpen(worker)) {
          out[found++] = worker;
          taken++;
        }
        if (2 * place + 1 < heap.length) open.push(2 * place + 1);
        if (2 * place + 2 < heap.length) open.push(2 * place + 2);
      }
    }
    return found;
  }

  /** Of the places in `open`, which are few. */
  #takeLeast(heap: readonly number[], open: number[]): number {
    let best = 0;
    for (let i = 1; i < open.length; i++) if (this.#less(heap[open[i]!]!, heap[open[best]!]!)) best = i;
    const place = open[best]!;
    open[best] = open.at(-1)!;
    open.pop();
    return place;
  }

  #less(a: WorkerIndex, b: WorkerIndex): boolean {
    const byKey = this.#keys[a]! - this.#keys[b]!;
    if (byKey !== 0) return byKey < 0;
    const bySecond = this.#seconds[a]! - this.#seconds[b]!;
    return bySecond !== 0 ? bySecond < 0 : a < b;
  }

  #push(heap: number[], worker: WorkerIndex): void {
    heap.push(worker);
    this.#place[worker] = heap.length - 1;
    this.#siftUp(heap, heap.length - 1);
  }

  #removeFrom(heap: number[], worker: WorkerIndex): void {
    const place = this.#place[worker]!;
    const last = heap.pop() ?? NONE;
    if (last === worker) return;
    heap[place] = last;
    this.#place[last] = place;
    if (!this.#siftUp(heap, place)) this.#siftDown(heap, place);
  }

  #siftUp(heap: number[], start: number): boolean {
    const worker = heap[start]!;
    let place = start;
    while (place > 0) {
      const up = (place - 1) >> 1;
      if (!this.#less(worker, heap[up]!)) break;
      this.#put(heap, place, heap[up]!);
      place = up;
    }
    this.#put(heap, place, worker);
    return place !== start;
  }

  #siftDown(heap: number[], start: number): void {
    const worker = heap[start]!;
    let place = start;
    for (let child = 2 * place + 1; child < heap.length; child = 2 * place + 1) {
      if (child + 1 < heap.length && this.#less(heap[child + 1]!, heap[child]!)) child++;
      if (!this.#less(heap[child]!, worker)) break;
      this.#put(heap, place, heap[child]!);
      place = child;
    }
    this.#put(heap, place, worker);
  }

  #put(heap: number[], place: number, worker: WorkerIndex): void {
    heap[place] = worker;
    this.#place[worker] = place;
  }
}
