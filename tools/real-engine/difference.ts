/** Two observations of the same request, told apart line by line; and which of the lines are known and explained. */

import type { Case } from './case.ts';
import type { Observation } from './observe.ts';

/** Who is compared with whom: an engine with its simulation, or a direct answer with one through the router. */
export type Relation = 'simulated' | 'routed';

export interface KnownDifference {
  readonly relation: Relation;
  /** Which cases it may appear in. */
  readonly cases: RegExp;
  /** Which lines of the difference it explains. */
  readonly lines: RegExp;
  readonly reason: string;
}

export interface Judged {
  readonly unexplained: readonly string[];
  /** Indices into the table of known differences. */
  readonly explainedBy: readonly number[];
}

function listLines(what: string, a: readonly string[], b: readonly string[]): string[] {
  const inA = new Set(a);
  const inB = new Set(b);
  const lines = [
    ...a.filter((one) => !inB.has(one)).map((one) => `${what} only in A: ${one}`),
    ...b.filter((one) => !inA.has(one)).map((one) => `${what} only in B: ${one}`),
  ];
  if (lines.length === 0 && a.join('\n') !== b.join('\n')) lines.push(`${what}s in another order or number: ${a.length} | ${b.length}`);
  return lines;
}

/** Event by event if there are as many, and then only what differs in each. */
function eventLines(a: readonly string[], b: readonly string[]): string[] {
  if (a.length !== b.length) return listLines('event', a, b);
  return a.flatMap((left, i) => {
    const right = b[i]!;
    if (left === right) return [];
    const parts = listLines('part', left.split(/[{} ]+/), right.split(/[{} ]+/));
    return parts.map((part) => `event ${i + 1}: ${part}`);
  });
}

/** The engine's own words for a body that its schema refuses name its source files: only that they are there is compared. */
function withoutValidationText(text: string): string {
  return text.replace(/^\d+ validation errors?:[\s\S]*$/, '(validation error)');
}

function valueLines(a: Observation, b: Observation, relation: Relation): string[] {
  const lines: string[] = [];
  const seen = (values: readonly string[] | undefined): string => {
    const list = values ?? [];
    return (relation === 'simulated' ? list.map(withoutValidationText) : list).join(', ');
  };
  for (const path of new Set([...Object.keys(a.values), ...Object.keys(b.values)])) {
    // A field that only one side has is a matter of the keys.
    if (a.values[path] === undefined || b.values[path] === undefined) continue;
    const [left, right] = [seen(a.values[path]), seen(b.values[path])];
    if (left !== right) lines.push(`value ${path}: ${left} | ${right}`);
  }
  return lines;
}

/** An engine that is busy puts several tokens into one event, so the number of equal neighbours is chance within limits. */
function isSameCount(a: Observation, b: Observation): boolean {
  const [less, more] = [Math.min(a.eventCount, b.eventCount), Math.max(a.eventCount, b.eventCount)];
  return more <= 3 * less || more - less <= 2;
}

/** What the router adds to every answer of a worker: its id of the request, and CORS for every web page (docs/http.md). */
export const ADDED_BY_ROUTER: readonly string[] = [
  'x-request-id',
  'access-control-allow-origin: *',
  'access-control-expose-headers: *',
  'vary: origin, access-control-request-method, access-control-request-headers',
];

function headerDifferences(a: readonly string[], b: readonly string[], relation: Relation): string[] {
  if (relation === 'simulated') return listLines('header', a, b);
  const lines = listLines(
    'header',
    a,
    b.filter((line) => !ADDED_BY_ROUTER.includes(line)),
  );
  return [...ADDED_BY_ROUTER.filter((line) => !b.includes(line)).map((line) => `header missing in B: ${line}`), ...lines];
}

/** A is the original (the engine, the direct answer), B the other. Empty if they agree. */
export function differences(a: Observation, b: Observation, relation: Relation): string[] {
  const lines: string[] = [];
  if (a.status !== b.status) lines.push(`status: ${a.status} | ${b.status}`);
  lines.push(...headerDifferences(a.headers, b.headers, relation));
  // Bodies of two kinds have nothing in common that could be compared further.
  if (a.body !== b.body) return [...lines, `body: ${a.body} | ${b.body}`];
  lines.push(...listLines(a.body === 'metrics' ? 'metric' : 'key', a.keys, b.keys));
  lines.push(...valueLines(a, b, relation));
  lines.push(...eventLines(a.events, b.events));
  if (a.growth !== b.growth) lines.push(`stream: ${a.growth} | ${b.growth}`);
  if (!isSameCount(a, b)) lines.push(`events: ${a.eventCount} | ${b.eventCount}`);
  // What a simulated engine generates is its own invention; what a router passes on is not.
  if (a.text !== b.text && (relation === 'routed' || a.body === 'text')) {
    lines.push(`text: ${JSON.stringify(a.text.slice(0, 120))} | ${JSON.stringify(b.text.slice(0, 120))}`);
  }
  return lines;
}

/** Keys that `one.must` demands and that an observation lacks. */
export function missing(one: Case, seen: Observation): string[] {
  const keys = new Set(seen.keys);
  return one.must.filter((key) => !keys.has(key)).map((key) => `must be there: ${key}`);
}

export function judge(lines: readonly string[], name: string, relation: Relation, known: readonly KnownDifference[]): Judged {
  const unexplained: string[] = [];
  const explainedBy = new Set<number>();
  for (const line of lines) {
    const index = known.findIndex((entry) => entry.relation === relation && entry.cases.test(name) && entry.lines.test(line));
    if (index < 0) unexplained.push(line);
    else explainedBy.add(index);
  }
  return { unexplained, explainedBy: [...explainedBy] };
}
