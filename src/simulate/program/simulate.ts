/** `router simulate`: options in, a table and a JSON file out. Reads and writes files through what it is given. */
import { createRng } from '../../base/runtime/rng.ts';
import { type Comparison, comparePolicy } from '../compare.ts';
import { tableOf } from '../report.ts';
import { Draws } from '../traffic/draws.ts';
import { TRAFFIC_KINDS } from '../traffic/kinds.ts';
import type { Traffic } from '../traffic/traffic.ts';
import { formatTraffic, parseTraffic } from '../traffic/traffic-file.ts';
import type { SimulateOptions } from './command-line.ts';

export interface SimulateWorld {
  readFile(path: string): string;
  writeFile(path: string, text: string): void;
  print(text: string): void;
}

/** Throws an Error if a file cannot be read. */
export function simulate(options: SimulateOptions, { readFile, writeFile, print }: SimulateWorld): void {
  const { policies, traffic, json, writeTraffic } = options;
  if (writeTraffic !== null) {
    writeFile(writeTraffic, formatTraffic(trafficsOf(traffic[0] ?? '', options, readFile)[0]!));
    return;
  }
  const comparisons: Comparison[] = [];
  for (const name of traffic) {
    const traffics = trafficsOf(name, options, readFile);
    for (const policy of policies) comparisons.push(comparePolicy(policy, traffics, options));
  }
  print(tableOf(comparisons));
  if (json !== null) writeFile(json, `${JSON.stringify({ options, comparisons }, null, 2)}\n`);
}

/** One for each seed; a file has no seeds. */
function trafficsOf(name: string, { seeds, seconds, workers, load }: SimulateOptions, readFile: SimulateWorld['readFile']): Traffic[] {
  const kind = TRAFFIC_KINDS.find((one) => one.name === name);
  if (kind === undefined) return [parseTraffic(name, readFile(name))];
  return seeds.map((seed) => ({ name, ...kind.generate(new Draws(createRng(seed)), { seconds, workers, load }) }));
}
