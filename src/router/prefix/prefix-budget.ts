/**
 * What `--max-tree-size` means here. In sglang_router 0.3.2 it is the number of prompt characters that the tree may
 * hold for each worker and model; text, nodes and copies come on top. Here it is one number for all workers together,
 * and it buys table bytes: every 128 units are one block of 40 bytes. A block stands for an eighth of what is before it,
 * so the default of 2^26 is 20 MiB of tables: the ends of 65,000 prompts, if each has eight blocks of its own.
 */

const PROMPT_BYTES_PER_BLOCK = 128;
const TABLE_BYTES_PER_BLOCK = 40;
const LEAST_BYTES = 2 ** 20;
const MOST_BYTES = 2 ** 29;

/** Byte budget of the prefix index for a `--max-tree-size`, 1 MiB .. 512 MiB. */
export function prefixIndexBytes(maxTreeSize: number): number {
  const bytes = Math.floor((maxTreeSize / PROMPT_BYTES_PER_BLOCK) * TABLE_BYTES_PER_BLOCK);
  return Math.min(MOST_BYTES, Math.max(LEAST_BYTES, bytes));
}
