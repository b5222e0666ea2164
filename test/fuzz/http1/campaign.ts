/** A campaign: generate, read with our parser (at once and in random splits), read with Node's, compare, count. */
import type { Rng } from '../../../src/base/core/rng.ts';
import { createRng } from '../../../src/base/runtime/rng.ts';
import { type Comparison, compareRequests, compareResponses } from './compare.ts';
import { type Generated, generateRequests } from './generate-requests.ts';
import { type GeneratedResponse, generateResponse } from './generate-responses.ts';
import { type NodeReading, NodeRequestReader } from './node-requests.ts';
import { readResponsesWithNode } from './node-responses.ts';
import { readRequests } from './read-requests.ts';
import { readResponse } from './read-response.ts';
import type { Reading } from './reading.ts';

export interface Tally {
  generated: number;
  /** Messages that we accepted and Node read alike. */
  compared: number;
  refusedByBoth: number;
  /** Rule -> streams that we refuse at a place where Node reads on. */
  readonly refusedByUsOnly: Map<string, number>;
  readonly skipped: Map<string, number>;
  /** At most MAX_SHOWN, each with what is needed to repeat it. */
  readonly differences: string[];
  differenceCount: number;
}

const MAX_SHOWN = 20;
/** Connections that are open at a time; they close in a later turn of the event loop. */
const BATCH = 500;

export async function fuzzRequests(messages: number, seed: number): Promise<Tally> {
  const rng = createRng(seed);
  const node = new NodeRequestReader();
  const tally = newTally();
  for (let streams = 0; tally.generated < messages; streams += 1) {
    const generated = generateRequests(rng);
    tally.generated += generated.messages;
    const bytes = Buffer.from(generated.text, 'latin1');
    const ours = readRequests(bytes);
    const theirs = node.read(bytes);
    note(tally, ours, theirs, compareRequests(ours, theirs), generated);
    noteSplit(tally, ours, readRequests(bytes, stops(rng, bytes.length)), generated);
    if (streams % BATCH === 0) await new Promise(setImmediate);
  }
  return tally;
}

export async function fuzzResponses(messages: number, seed: number): Promise<Tally> {
  const rng = createRng(seed);
  const tally = newTally();
  while (tally.generated < messages) {
    const batch = Array.from({ length: Math.min(BATCH, messages - tally.generated) }, () => generateResponse(rng));
    const cases = batch.map(({ text, method }) => ({ bytes: Buffer.from(text, 'latin1'), method }));
    const readings = await readResponsesWithNode(cases);
    tally.generated += batch.length;
    for (const [at, { bytes, method }] of cases.entries()) {
      const ours = readResponse(bytes, method);
      note(tally, ours, readings[at]!, compareResponses(ours, readings[at]!), batch[at]!);
      noteSplit(tally, ours, readResponse(bytes, method, stops(rng, bytes.length)), batch[at]!);
    }
  }
  return tally;
}

function newTally(): Tally {
  return {
    generated: 0,
    compared: 0,
    refusedByBoth: 0,
    refusedByUsOnly: new Map(),
    skipped: new Map(),
    differences: [],
    differenceCount: 0,
  };
}

function note(tally: Tally, ours: Reading, node: NodeReading, comparison: Comparison, source: Generated | GeneratedResponse): void {
  tally.compared += comparison.same;
  if (comparison.difference !== '') noteDifference(tally, comparison.difference, source);
  if (comparison.skipped !== '') count(tally.skipped, comparison.skipped);
  if (ours.end !== 'refused') return;
  const nodeReadsOn = node.messages.length > ours.messages.length || (node.error === '' && node.hasPartial);
  if (nodeReadsOn) count(tally.refusedByUsOnly, ours.why);
  else tally.refusedByBoth += 1;
}

function noteSplit(tally: Tally, whole: Reading, split: Reading, source: Generated | GeneratedResponse): void {
  if (JSON.stringify(whole) === JSON.stringify(split)) return;
  noteDifference(tally, `split changes the reading: ${JSON.stringify(whole)} became ${JSON.stringify(split)}`, source);
}

function noteDifference(tally: Tally, difference: string, source: Generated | GeneratedResponse): void {
  tally.differenceCount += 1;
  if (tally.differences.length < MAX_SHOWN) tally.differences.push(`${difference}\n    ${JSON.stringify(source)}`);
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Ends of the reads that deliver `length` bytes: mostly few bytes each, sometimes one. */
function stops(rng: Rng, length: number): number[] {
  const step = 1 + rng.below(rng.below(2) === 0 ? 3 : 80);
  const out: number[] = [];
  for (let at = 1 + rng.below(step); at < length; at += 1 + rng.below(step)) out.push(at);
  out.push(length);
  return out;
}
