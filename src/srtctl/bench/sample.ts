/** What one request of a benchmark was like, as the client saw it. Times are those of the client's clock, ms. */
export interface Sample {
  /** When the request was handed to its connection. */
  readonly startMs: number;
  /** When the first event with text came; null: none came. */
  readonly firstMs: number | null;
  /** When the last event with text came; null: none came. */
  readonly lastMs: number | null;
  /** Between an event with text and the next, in their order; one less than the events. */
  readonly gapsMs: readonly number[];
  readonly askedInputTokens: number;
  readonly askedOutputTokens: number;
  /** As the engine counted them; what was asked for where it did not say. */
  readonly inputTokens: number;
  /** As the engine counted them; the number of events where it did not say. */
  readonly outputTokens: number;
  /** Prompt tokens that the engine had cached; 0 where it does not say. */
  readonly cachedTokens: number;
  /** The engine said how many tokens the answer has. */
  readonly isCounted: boolean;
  /** Null: the answer came whole. */
  readonly error: string | null;
  /** The benchmark was told to end before the answer was whole: neither completed nor failed. */
  readonly isCut: boolean;
}

/** Whether the engine counted fewer tokens than were asked for, although it was to ignore the end of the text. */
export function isShort({ isCounted, outputTokens, askedOutputTokens }: Sample): boolean {
  return isCounted && outputTokens < askedOutputTokens;
}

/** Fewer tokens may come in one event because the engine sends several at a time. */
const STREAMED_TOKENS = 4;

/** Whether the answer came in one piece at its end, so that neither its first token nor the time between tokens was seen. */
export function isUnstreamed({ firstMs, gapsMs, isCounted, outputTokens, askedOutputTokens }: Sample): boolean {
  return firstMs !== null && gapsMs.length === 0 && (isCounted ? outputTokens : askedOutputTokens) >= STREAMED_TOKENS;
}
