import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { promptOf } from '../../../test/support/prompt-of.ts';
import { BLOCK_LEVELS, MAX_BLOCKS, SAMPLED_FROM_BYTES } from './block-schedule.ts';
import { PromptChain } from './prompt-chain.ts';

interface Link {
  hash: string;
  bytes: number;
}
function linksOf(prompt: string | Buffer, cuts: readonly number[] = [], salt = 7): Link[] {
  const chain = new PromptChain(salt);
  chain.compute(promptOf(prompt, cuts));
  return Array.from({ length: chain.length }, (_, i) => ({ hash: `${chain.high(i)}:${chain.low(i)}`, bytes: chain.bytes(i + 1) }));
}
const text = (bytes: number, seed = 1) => {
  const out = Buffer.alloc(bytes);
  for (let i = 0, x = seed; i < bytes; i++) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    out[i] = 97 + ((x >>> 16) % 26);
  }
  return out;
};
/** Number of links that both chains begin with. */
const common = (a: readonly Link[], b: readonly Link[]) => {
  let n = 0;
  while (n < a.length && n < b.length && a[n]!.hash === b[n]!.hash) n++;
  return n;
};

describe('PromptChain', () => {
  it('does not depend on how the prompt is split into ranges or where the body lies', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 12_000 }), fc.array(fc.nat(12_000), { maxLength: 5 }), fc.nat(1000), (bytes, cuts, seed) => {
        const prompt = text(bytes, seed + 1);
        assert.deepEqual(linksOf(prompt, cuts), linksOf(prompt));
      }),
      { numRuns: 200 },
    );
  });

  it('does not depend on the ranges where blocks are sampled', () => {
    const prompt = text(700_000);
    assert.deepEqual(linksOf(prompt, [65_000, 70_001, 300_003, 699_999]), linksOf(prompt));
  });

  it('shares exactly the blocks in front of the first difference', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: SAMPLED_FROM_BYTES }), fc.nat(), (bytes, where) => {
        const a = text(bytes);
        const b = Buffer.from(a);
        const at = where % bytes;
        b[at] = b[at]! ^ 1;
        const [x, y] = [linksOf(a), linksOf(b)];
        const whole = x.filter((link) => link.bytes <= at).length;
        assert.equal(common(x, y), whole);
        // Nothing after the difference may be equal again: each hash stands for the whole prefix.
        const seen = new Set(x.map((link) => link.hash));
        assert.equal(y.filter((link, i) => i >= whole && seen.has(link.hash)).length, 0);
      }),
      { numRuns: 200 },
    );
  });

  it('matches the last piece only on an exact repeat', () => {
    const long = linksOf('x'.repeat(100));
    assert.equal(long.at(-1)!.bytes, 100);
    assert.equal(common(long, linksOf('x'.repeat(101))), long.length - 1);
    assert.equal(common(long, linksOf('x'.repeat(99))), long.length - 1);
    assert.equal(common(long, linksOf('x'.repeat(100))), long.length);
    assert.notEqual(linksOf('short')[0]!.hash, linksOf('short\0')[0]!.hash);
  });

  it('covers every byte count with a link that ends there, within the scratch space', () => {
    const ends = BLOCK_LEVELS.slice(0, 6).flatMap((level) => [level.endBytes - 1, level.endBytes, level.endBytes + 1]);
    for (const bytes of [1, 15, 16, 17, ...ends]) assert.equal(linksOf(text(bytes)).at(-1)!.bytes, bytes, `${bytes} bytes`);
    assert.deepEqual(linksOf(''), []);
    assert.ok(MAX_BLOCKS < 256);
    assert.ok(linksOf(text(60_000)).length < 85);
  });

  it('sees a late difference of text that is not of equal length', () => {
    const a = text(600_000);
    const b = Buffer.concat([a.subarray(0, 400_000), Buffer.from('one more word'), a.subarray(400_000)]);
    const shared = linksOf(a)[common(linksOf(a), linksOf(b)) - 1]!.bytes;
    assert.ok(shared > 380_000 && shared <= 408_192, `${shared}`);
  });

  it('reads stripes of the blocks beyond 8 KiB, and all bytes before', () => {
    const a = text(200_000);
    const b = Buffer.from(a);
    b[66_000] = 0; // between two stripes of its block
    assert.equal(common(linksOf(a), linksOf(b)), linksOf(a).length);
    b[8000] = 0;
    assert.equal(linksOf(a)[common(linksOf(a), linksOf(b))]!.bytes, 8192);
  });

  it('gives other hashes under another salt', () => {
    const [a, b] = [linksOf(text(5000), [], 1), linksOf(text(5000), [], 2)];
    assert.equal(a.filter((link) => b.some((other) => other.hash === link.hash)).length, 0);
  });

  it('leaves the JSON around the first text out of the share, but not out of the hash', () => {
    const chat = (content: string) => `[{"role":"user","content":"${content}"}]`;
    assert.equal(common(linksOf(chat('How are you today?')), linksOf(chat('What is the time?'))), 0);
    assert.equal(common(linksOf(chat('How are you today, dear?')), linksOf(chat('How are you today, Ann?'))), 1);
    assert.equal(common(linksOf(`"${'y'.repeat(64)}`), linksOf(chat('y'.repeat(64)))), 0);
    const chain = new PromptChain(7);
    chain.compute(promptOf(chat('a'.repeat(16) + 'b'.repeat(13))));
    assert.equal(chain.skeletonBytes, 27);
    assert.equal(chain.share(1), 0.5);
    assert.equal(chain.share(chain.length), 1);
    chain.compute(promptOf('[{"role":"user","content":"'));
    assert.equal(chain.share(chain.length), 0);
  });

  it('spreads short and similar prompts over all bits of both words', () => {
    const bits = new Array<number>(64).fill(0);
    const count = 4000;
    const seen = new Set<string>();
    const chain = new PromptChain(7);
    for (let i = 0; i < count; i++) {
      chain.compute(promptOf(`"question ${i}"`));
      seen.add(`${chain.high(0)}:${chain.low(0)}`);
      const last = chain.length - 1;
      for (let bit = 0; bit < 32; bit++) {
        bits[bit]! += (chain.high(last) >>> bit) & 1;
        bits[32 + bit]! += (chain.low(last) >>> bit) & 1;
      }
    }
    assert.ok(seen.size > count * 0.95);
    // Six standard deviations of a fair coin.
    for (const ones of bits) assert.ok(Math.abs(ones - count / 2) < 6 * Math.sqrt(count / 4), `${ones}`);
  });
});
