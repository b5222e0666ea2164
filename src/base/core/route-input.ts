/**
 * The prompt of a request, as bytes of its body. Nothing is decoded. `ranges` holds start,end pairs (byte offsets into `body`, end
 * exclusive) in the order in which the engine's template reads them; the prompt is their concatenation.
 */
export interface Prompt {
  readonly body: Buffer;
  readonly ranges: Int32Array;
  /** Number of pairs in `ranges`. */
  readonly rangeCount: number;
}

/** What a policy sees of a request. Valid only during select and commit. */
export interface RouteInput {
  /** Empty unless the policy needs it. */
  readonly prompt: Prompt;
  /** Values of the header fields that the policy needs, in the order in which it names them; undefined where the request has none. */
  readonly headers: readonly (string | undefined)[];
  /** Milliseconds on the Clock. */
  readonly nowMs: number;
}
