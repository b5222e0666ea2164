/** Prompts as chains, and the holders of their prefixes, for tests of the prefix index. */
import fc from 'fast-check';
import type { PrefixIndex } from '../../src/router/prefix/prefix-index.ts';
import { PromptChain } from '../../src/router/prefix/prompt-chain.ts';
import { promptOf } from './prompt-of.ts';

export const SALT = 99;

export function chainOf(prompt: string): PromptChain {
  const chain = new PromptChain(SALT);
  chain.compute(promptOf(prompt));
  return chain;
}

/** Workers that hold the first `links` links, the latest first. */
export function holders(index: PrefixIndex, chain: PromptChain, links: number): number[] {
  const entry = index.entryAt(chain, links);
  const out = new Int32Array(8);
  return entry === 0 ? [] : [...out.subarray(0, index.owners(entry, out))];
}

/** A prompt of 16-byte blocks, one letter each, without a rest. */
export const spelled = (letters: string): string => letters.replaceAll(/./g, (letter) => letter.repeat(16));

export const word: fc.Arbitrary<string> = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 14 });
