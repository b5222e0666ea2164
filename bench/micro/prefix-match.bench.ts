/** Hashing a prompt and finding its longest known prefix among a million blocks. Target: 32 KB in 20 us. */
import type { Prompt } from '../../src/base/core/route-input.ts';
import type { PrefixIndex } from '../../src/router/prefix/prefix-index.ts';
import { PromptChain } from '../../src/router/prefix/prompt-chain.ts';
import type { Case } from './case.ts';
import { filledIndex, promptSet, SALT } from './prefix-fixture.ts';

const SIZES = [200, 1_500, 32_768, 60_000, 500_000];
const PROMPTS = 32;

function matchCase(name: string, index: PrefixIndex, inputs: readonly Prompt[], atLeast: number, atMost: number): Case {
  const chain = new PromptChain(SALT);
  return {
    name,
    ops: inputs.length,
    bytesPerOp: inputs[0]!.body.length,
    run() {
      for (const input of inputs) {
        chain.compute(input);
        const share = chain.share(index.match(chain));
        if (share < atLeast || share > atMost) throw new Error(`${name}: ${share} of it is known`);
      }
    },
  };
}

export function cases(): readonly Case[] {
  const index = filledIndex(100_000);
  const chain = new PromptChain(SALT);
  return SIZES.flatMap((bytes) => {
    const known = promptSet(bytes, PROMPTS, 1);
    for (const input of known) {
      chain.compute(input);
      index.insert(chain, 0, 0);
    }
    const kb = `${bytes / 1000} KB`;
    return [
      matchCase(`match ${kb}, known to the end`, index, known, 1, 1),
      matchCase(`match ${kb}, known for 80%`, index, promptSet(bytes, PROMPTS, 1, 0.8), 0.7, 0.8),
      matchCase(`match ${kb}, unknown`, index, promptSet(bytes, PROMPTS, 2), 0, 0),
    ];
  });
}
