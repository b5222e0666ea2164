/**
 * What a policy may look at: bytes of the request body and where the prompt lies in them. Nothing is decoded.
 * `ranges` holds start,end pairs (byte offsets into `body`, end exclusive) in the order in which the engine's
 * template reads them; the prompt is their concatenation.
 */
export interface RouteInput {
  /** The body, or an empty buffer when the policy needs nothing. Valid only during select and commit. */
  readonly body: Buffer;
  readonly ranges: Int32Array;
  /** Number of pairs in `ranges`. */
  readonly rangeCount: number;
  /** Value of a routing-key header, or null. */
  readonly key: string | null;
}
