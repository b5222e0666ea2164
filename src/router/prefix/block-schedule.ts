/**
 * Where prompts are cut into blocks: eight for each doubling of the offset. Blocks are small at the start, so that short prompts match
 * by what they share, and larger later, where a match that is an eighth too short makes no difference. The number of blocks grows
 * with the logarithm of the length of a prompt, and with it work and memory.
 *
 *   prompt offset     block   blocks   read of a block
 *   0      .. 256        16       16   all
 *   256    .. 512        32        8   all
 *   512    .. 1 Ki       64        8   all
 *   ...                                all
 *   4 Ki   .. 8 Ki      512        8   all
 *   8 Ki   .. 16 Ki    1 Ki        8   16 stripes of 16 bytes, one every 64
 *   16 Ki  .. 32 Ki    2 Ki        8   32 stripes
 *   32 Ki  .. 64 Ki    4 Ki        8   64 stripes
 *   64 Ki  .. 128 Ki   8 Ki        8   64 stripes, and so on up to 1 Gi
 *
 * The cuts depend on the offset alone, never on the length of the prompt, so two prompts that share their first n
 * bytes share every block that ends at or before n: a match is less than 1/8 too short, 1/16 on average.
 */

/** Bytes that are read in one step of the hash. */
export const STRIPE_BYTES = 16;
/** From this prompt offset on, blocks are sampled: reading all of 500 KB would cost as much as forwarding it. */
export const SAMPLED_FROM_BYTES = 8192;
const FIRST_LEVEL_BYTES = 256;
const LAST_LEVEL_BYTES = 2 ** 30;
const BLOCKS_PER_DOUBLING_SHIFT = 3;
const SAMPLE_STEP_BYTES = 64;
const MOST_STRIPES_SHIFT = 6;

export interface BlockLevel {
  /** Prompt offset at which the level ends (exclusive); a multiple of `blockBytes` away from its start. */
  readonly endBytes: number;
  readonly blockBytes: number;
  /** Distance between the stripes that are read; STRIPE_BYTES if all are read. */
  readonly stepBytes: number;
}

// Shifts keep the numbers small integers for V8: as doubles they double the time of the hash.
function level(startBytes: number): BlockLevel {
  const blockBytes = startBytes >> BLOCKS_PER_DOUBLING_SHIFT;
  const isSampled = startBytes >= SAMPLED_FROM_BYTES;
  const stepBytes = isSampled ? Math.max(SAMPLE_STEP_BYTES, blockBytes >> MOST_STRIPES_SHIFT) | 0 : STRIPE_BYTES;
  return { endBytes: startBytes << 1, blockBytes, stepBytes };
}

function levels(): BlockLevel[] {
  const all: BlockLevel[] = [{ endBytes: FIRST_LEVEL_BYTES, blockBytes: STRIPE_BYTES, stepBytes: STRIPE_BYTES }];
  for (let start = FIRST_LEVEL_BYTES; start < LAST_LEVEL_BYTES; start <<= 1) all.push(level(start));
  return all;
}

export const BLOCK_LEVELS: readonly BlockLevel[] = levels();

/** Length of the longest possible chain: every level full, and one partial block. */
export const MAX_BLOCKS =
  1 + BLOCK_LEVELS.reduce((sum, { endBytes, blockBytes }, i) => sum + (endBytes - (BLOCK_LEVELS[i - 1]?.endBytes ?? 0)) / blockBytes, 0);
