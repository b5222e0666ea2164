/**
 * What it costs to hash a prompt and to find the longest known prefix, in an index of about a million blocks.
 *
 *   node .build/bench/micro/prefix-match.bench.js      targets: 32 KB <= 20 us, hashing included
 */
import { Bench } from 'tinybench';
import { PromptChain } from '../../src/prefix/prompt-chain.ts';
import { filledIndex, promptSet } from './prefix-fixture.ts';
import { report } from './report.ts';

const index = filledIndex(1_000_000);
const chain = new PromptChain(1);
const bench = new Bench({ time: 300, warmupTime: 100 });
let sink = 0;
for (const bytes of [200, 1500, 32_768, 61_440, 500_000]) {
  const known = promptSet(bytes, 64, 1);
  for (const input of known) {
    chain.compute(input);
    index.insert(chain, 0, 0);
  }
  const tails = promptSet(bytes, 64, 1, 0.8);
  const fresh = promptSet(bytes, 64, 2);
  let i = 0;
  const add = (name: string, inputs: typeof known) =>
    bench.add(`${bytes} B ${name}`, () => {
      chain.compute(inputs[i++ & 63]!);
      sink += index.match(chain);
    });
  add('known to the end', known);
  add('known for 80%', tails);
  add('unknown', fresh);
}
await bench.run();
report(bench, { 'blocks in the index': index.blocks, 'bytes per block': (index.bytes / index.blocks).toFixed(1), sink });
