/**
 * What `--max-tree-size` means here. In sglang_router 0.3.2 it is the number of prompt characters that the tree may hold for each worker
 * and model; nodes and copies of the text need more memory. Here it is one budget for all workers together: 128 units allow one block
 * of 40 bytes. The default of 2^26 allows 20 MiB of tables: 65,000 prompts with eight blocks each that they share with no other prompt.
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
