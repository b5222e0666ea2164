/**
 * Where the prompt is cut into blocks. Small blocks at the start, so that short prompts match by what they share;
 * larger ones further on, where a few hundred bytes more or less of a match change nothing:
 *
 *   prompt offset     block   blocks   read of a block
 *   0      .. 256        16       16   all
 *   256    .. 2 Ki       64       28   all
 *   2 Ki   .. 8 Ki      128       48   all
 *   8 Ki   .. 64 Ki     512      112   all
 *   64 Ki  .. 256 Ki    2 Ki      96   16 stripes of 16 bytes, evenly spaced
 *   256 Ki .. 1 Mi      8 Ki      96   16 stripes
 *   and so on: four times the reach, four times the block, up to 1 Gi
 *
 * The cuts depend on the offset alone, never on the length of the prompt, so two prompts that share their first n
 * bytes share every block that ends at or before n. From 1 KiB on a match is less than 1/16 too short.
 */

/** Bytes that are read in one step of the hash. */
export const STRIPE_BYTES = 16;
/** From this prompt offset on, blocks are sampled instead of read whole: reading 500 KB would cost more than relaying it. */
export const SAMPLED_FROM_BYTES = 65_536;

export interface BlockLevel {
  /** Prompt offset at which the level ends (exclusive); a multiple of `blockBytes` away from its start. */
  readonly endBytes: number;
  readonly blockBytes: number;
  /** Distance between the stripes that are read; STRIPE_BYTES where everything is. */
  readonly stepBytes: number;
}

const whole = (endBytes: number, blockBytes: number): BlockLevel => ({ endBytes, blockBytes, stepBytes: STRIPE_BYTES });
// Shifts keep the numbers small integers for V8: as doubles they double the time of the hash.
const sampled = (endBytes: number): BlockLevel => ({ endBytes, blockBytes: endBytes >> 7, stepBytes: endBytes >> 11 });

export const BLOCK_LEVELS: readonly BlockLevel[] = [
  whole(256, 16),
  whole(2048, 64),
  whole(8192, 128),
  whole(SAMPLED_FROM_BYTES, 512),
  ...Array.from({ length: 7 }, (_, i) => sampled(SAMPLED_FROM_BYTES << (2 * i + 2))),
];

/** The longest chain there can be: every level full, and a last block that is not. */
export const MAX_BLOCKS =
  1 + BLOCK_LEVELS.reduce((sum, level, i) => sum + (level.endBytes - (BLOCK_LEVELS[i - 1]?.endBytes ?? 0)) / level.blockBytes, 0);
