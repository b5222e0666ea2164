/** Passes a worker's answer on and keeps what policies learn from: when its first event arrived and the tokens it counts. */
import type { OutcomeKind } from '../../../base/core/outcome.ts';
import type { Usage } from '../../../base/core/usage.ts';
import { isEventStream } from '../../../wire/sse/media-type.ts';
import { hasOutput } from '../../../wire/sse/token-events.ts';
import type { AnswerHead, Pieces, Retry, Sink } from '../upstream/seam.ts';
import { UsageTail } from './usage-tail.ts';

export class AnswerListener implements Sink {
  readonly #sink: Sink;
  readonly #firstEvent: () => void;
  readonly #tail = new UsageTail();
  #awaitsEvent = false;

  /** `firstEvent` is called before `sink` receives it. */
  constructor(sink: Sink, firstEvent: () => void) {
    this.#sink = sink;
    this.#firstEvent = firstEvent;
  }

  /** Tokens that the answer counts; null if it counts none. */
  usage(): Usage | null {
    return this.#tail.read();
  }

  onHead(head: AnswerHead): void {
    this.#awaitsEvent = head.status < 300 && isEventStream(head.find('content-type'));
    this.#sink.onHead(head);
  }

  onPieces(buf: Buffer, start: number, end: number, pieces: Pieces): void {
    const { offsets, count } = pieces;
    for (let i = 0; i < count; i++) this.#tail.push(buf, offsets[2 * i]!, offsets[2 * i + 1]!);
    for (let i = 0; i < count && this.#awaitsEvent; i++) {
      if (!hasOutput(buf, offsets[2 * i]!, offsets[2 * i + 1]!)) continue;
      this.#awaitsEvent = false;
      this.#firstEvent();
    }
    this.#sink.onPieces(buf, start, end, pieces);
  }

  onEnd(): void {
    this.#sink.onEnd();
  }

  onError(kind: OutcomeKind, retry: Retry): void {
    this.#sink.onError(kind, retry);
  }

  onDrain(): void {
    this.#sink.onDrain();
  }
}
