/** Prompts and a filled index for the micro-benchmarks of the prefix index. */

import type { RouteInput } from '../../src/core/route-input.ts';
import { PrefixIndex } from '../../src/prefix/prefix-index.ts';
import { PromptChain } from '../../src/prefix/prompt-chain.ts';
import { promptOf } from '../../test/support/prompt-of.ts';

/** `bytes` lower-case letters that depend on `seed`; fills `out` from `from` on. */
function scribble(out: Buffer, from: number, seed: number): void {
  for (let i = from, x = seed * 2654435761; i < out.length; i++) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    out[i] = 97 + ((x >>> 16) % 26);
  }
}

/** `count` prompts of `bytes` bytes. Those of one seed agree in their first `shared` (0..1), the rest is new in every set. */
export function promptSet(bytes: number, count: number, seed: number, shared = 1): RouteInput[] {
  return Array.from({ length: count }, (_, i) => {
    const out = Buffer.alloc(bytes);
    scribble(out, 0, seed * 100_003 + i + 1);
    if (shared < 1) scribble(out, Math.floor(bytes * shared), seed * 700_001 + i + 7 + bytes);
    return promptOf(out);
  });
}

/** An index with about `blocks` blocks of 8 KB prompts for eight workers, and room for a quarter more. */
export function filledIndex(blocks: number): PrefixIndex {
  const index = new PrefixIndex(Math.floor(blocks * 1.25));
  for (let worker = 0; worker < 8; worker++) index.join(worker);
  const chain = new PromptChain(1);
  const out = Buffer.alloc(8192);
  scribble(out, 0, 77);
  const input = { body: out, ranges: Int32Array.of(0, out.length), rangeCount: 1, key: null };
  for (let i = 0; index.blocks < blocks; i++) {
    out.writeDoubleLE(i);
    chain.compute(input);
    index.insert(chain, i & 7, 0);
  }
  return index;
}
