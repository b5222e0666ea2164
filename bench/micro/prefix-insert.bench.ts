/**
 * Hashing, matching and entering a prompt in an index that is full with a million blocks: new prompts, for which as
 * many blocks are evicted as come in, and known ones. Target for entering alone: 32 KB in 30 us.
 */
import type { Prompt } from '../../src/base/core/route-input.ts';
import type { PrefixIndex } from '../../src/router/prefix/prefix-index.ts';
import { PromptChain } from '../../src/router/prefix/prompt-chain.ts';
import type { Case } from './case.ts';
import { filledIndex, newPrompts, promptSet, SALT } from './prefix-fixture.ts';

const SIZES = [200, 1_500, 32_768, 60_000, 500_000];
const OPS = 32;

function insertCase(name: string, index: PrefixIndex, next: (i: number) => Prompt, bytes: number): Case {
  const chain = new PromptChain(SALT);
  return {
    name,
    ops: OPS,
    bytesPerOp: bytes,
    run() {
      for (let i = 0; i < OPS; i++) {
        chain.compute(next(i));
        index.insert(chain, i & 7, index.match(chain));
      }
      if (index.match(chain) !== chain.length || index.blocks > index.capacity) throw new Error(`${name}: the last prompt is not there`);
    },
  };
}

export function cases(): readonly Case[] {
  const index = filledIndex(0);
  return SIZES.flatMap((bytes) => {
    const known = promptSet(bytes, OPS, 1);
    const kb = `${bytes / 1000} KB`;
    return [
      insertCase(`hash, match, insert ${kb}, new`, index, newPrompts(bytes), bytes),
      insertCase(`hash, match, insert ${kb}, known`, index, (i) => known[i]!, bytes),
    ];
  });
}
