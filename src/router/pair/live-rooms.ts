/** Which rooms are live: a hash table of numbers in two typed arrays, so that what comes and goes with every request costs no collection. */

/** A block number that does not exist. */
const FREE = -1;
const LEAST_SLOTS = 64;

/**
 * Block -> offset of the live room in it. Open addressing: a block is in the first free slot from its home on.
 *
 *   slots:  | . | a | b | c | . |     a, b, c at home in the first of them: taking out `a` moves `b` and `c` back,
 *                                     so that no gap comes between a block and its home
 */
export class LiveRooms {
  #blocks = new Float64Array(LEAST_SLOTS).fill(FREE);
  #offsets = new Uint16Array(LEAST_SLOTS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** -1: no live room in this block. Blocks are 0 .. 2^47-1, and -1 and 2^47 may be asked for. */
  offsetIn(block: number): number {
    const slot = this.#find(block);
    return block >= 0 && this.#blocks[slot] === block ? this.#offsets[slot]! : -1;
  }

  /** A block has one room at most: adding another is the caller's mistake. `offset`: 0 .. 65535. */
  add(block: number, offset: number): void {
    if (this.#size * 2 >= this.#blocks.length) this.#grow();
    const slot = this.#find(block);
    this.#blocks[slot] = block;
    this.#offsets[slot] = offset;
    this.#size++;
  }

  delete(block: number): void {
    const blocks = this.#blocks;
    const mask = blocks.length - 1;
    let gap = this.#find(block);
    if (blocks[gap] !== block) return;
    this.#size--;
    for (let slot = (gap + 1) & mask; blocks[slot] !== FREE; slot = (slot + 1) & mask) {
      const home = blocks[slot]! & mask;
      // Stays if its home lies behind the gap, seen around the end of the table.
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      blocks[gap] = blocks[slot]!;
      this.#offsets[gap] = this.#offsets[slot]!;
      gap = slot;
    }
    blocks[gap] = FREE;
  }

  /** The slot of a block, or the free one where it would go. */
  #find(block: number): number {
    const blocks = this.#blocks;
    const mask = blocks.length - 1;
    // Rooms are random, and so are the low bits of their blocks.
    let slot = block & mask;
    while (blocks[slot] !== block && blocks[slot] !== FREE) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const blocks = this.#blocks;
    const offsets = this.#offsets;
    this.#blocks = new Float64Array(2 * blocks.length).fill(FREE);
    this.#offsets = new Uint16Array(2 * blocks.length);
    this.#size = 0;
    for (let slot = 0; slot < blocks.length; slot++) {
      if (blocks[slot] !== FREE) this.add(blocks[slot]!, offsets[slot]!);
    }
  }
}
