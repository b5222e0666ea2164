/** Prompts and filled indexes for the micro-benchmarks of the prefix index. */
import type { Prompt } from '../../src/base/core/route-input.ts';
import { LatestOwners } from '../../src/router/prefix/owner-set.ts';
import { PrefixIndex } from '../../src/router/prefix/prefix-index.ts';
import { PromptChain } from '../../src/router/prefix/prompt-chain.ts';
import { promptOf } from '../../test/support/prompt-of.ts';

export const SALT = 1;
export const INDEX_BLOCKS = 1_000_000;

/** Fills `out` from `from` on with lower-case letters that depend on `seed`. */
function scribble(out: Buffer, from: number, seed: number): void {
  for (let i = from, x = Math.imul(seed, 0x9e3779b1); i < out.length; i++) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    out[i] = 97 + ((x >>> 16) % 26);
  }
}

/** `count` prompts of `bytes` bytes. Sets of one seed agree in the first `shared` (0..1) of each prompt, not in the rest. */
export function promptSet(bytes: number, count: number, seed: number, shared = 1): Prompt[] {
  return Array.from({ length: count }, (_, i) => {
    const out = Buffer.alloc(bytes);
    scribble(out, 0, seed * 100_003 + i + 1);
    if (shared < 1) scribble(out, Math.floor(bytes * shared), seed * 700_001 + i + 7);
    return promptOf(out);
  });
}

/** Prompts of `bytes` bytes without end, each new from its first block on. The input is the same object every time. */
export function newPrompts(bytes: number): () => Prompt {
  const body = Buffer.alloc(bytes);
  scribble(body, 0, bytes);
  const input = { body, ranges: Int32Array.of(0, bytes), rangeCount: 1 };
  let count = 0;
  return () => {
    body.writeDoubleLE(++count + 1 / bytes);
    return input;
  };
}

/** An index with INDEX_BLOCKS blocks of 8 KB prompts for eight workers, and room for `spare` blocks more. */
export function filledIndex(spare: number): PrefixIndex {
  const index = new PrefixIndex(INDEX_BLOCKS + spare, new LatestOwners());
  for (let worker = 0; worker < 8; worker++) index.join(worker);
  const chain = new PromptChain(SALT);
  const next = newPrompts(8192);
  for (let i = 0; index.blocks < INDEX_BLOCKS; i++) {
    chain.compute(next());
    index.insert(chain, i & 7, 0);
  }
  return index;
}
