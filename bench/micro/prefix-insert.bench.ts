/**
 * What it costs to enter a prompt, hashing not included, in an index of a million blocks that has room, and in one that
 * is full and evicts as much as it takes in.
 *
 *   node .build/bench/micro/prefix-insert.bench.js     target: 32 KB <= 30 us
 */
import { Bench } from 'tinybench';
import { PromptChain } from '../../src/prefix/prompt-chain.ts';
import { filledIndex } from './prefix-fixture.ts';
import { report } from './report.ts';

const bench = new Bench({ time: 200, warmupTime: 50 });
const roomy = filledIndex(1_000_000);
const full = filledIndex(1_000_000);
const chain = new PromptChain(1);
const body = Buffer.alloc(65_536, 'some words of a prompt ');
const fill = (seed: number) => {
  body.writeDoubleLE(seed);
  return body;
};
const compute = (bytes: number, seed: number) =>
  chain.compute({ body: fill(seed), ranges: Int32Array.of(0, bytes), rangeCount: 1, key: null });
// Uses up the room of `full`.
for (let i = 0; full.blocks < full.capacity; i++) {
  compute(61_440, -i - 1);
  full.insert(chain, 0, 0);
}
const measure = (name: string, bytes: number, times: number, run: (i: number) => void) => {
  const us: number[] = [];
  for (let i = 0; i < times; i++) {
    compute(bytes, 0.5 + i + bytes * 1e6 + name.length * 1e12);
    const start = process.hrtime.bigint();
    run(i);
    us.push(Number(process.hrtime.bigint() - start) / 1000);
  }
  us.sort((a, b) => a - b);
  const at = (share: number) => Number(us[Math.floor(times * share)]!.toFixed(2));
  return { name: `${bytes} B ${name}`, blocks: chain.length, 'median us': at(0.5), 'p99 us': at(0.99) };
};
const rows = [];
for (const bytes of [200, 1500, 32_768, 61_440]) {
  rows.push(measure('new, room left', bytes, 400, (i) => roomy.insert(chain, i & 7, roomy.match(chain))));
  rows.push(measure('new, evicting', bytes, 3000, (i) => full.insert(chain, i & 7, full.match(chain))));
}
console.table(rows);

for (const bytes of [1500, 32_768, 61_440]) {
  let i = 0;
  bench.add(`${bytes} B again for the same worker (hash, match, insert)`, () => {
    compute(bytes, i++ & 7);
    const known = full.match(chain);
    full.insert(chain, i & 7, known);
  });
}
await bench.run();
report(bench, { 'blocks in the full index': full.blocks, 'bytes per block': (full.bytes / full.blocks).toFixed(1) });
