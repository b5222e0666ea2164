/**
 * What one request of the soak asks of the engines, drawn from seeded chance and written into its body, so that engine and client know
 * both what a whole response is and which fault strikes at which engine.
 */
import type { Rng } from '../../src/base/core/rng.ts';

/** Before the head of a response. Another worker gets the request. */
export const EARLY_FAULTS = ['reset', 'close', 'garbage', '429', '500', '502', '503', '504'] as const;
/** After part of a response. The client sees that the rest is missing. */
export const LATE_FAULTS = ['late reset', 'late close', 'bad chunk', 'silence'] as const;
export type FaultName = (typeof EARLY_FAULTS)[number] | (typeof LATE_FAULTS)[number] | 'hang';

/** At which engines the fault strikes: one by its number, or all. */
export interface PlannedFault {
  readonly name: FaultName;
  readonly at: number | 'all';
}

export interface Plan {
  readonly id: string;
  readonly isStream: boolean;
  /** Parts of the response: events of a stream. */
  readonly parts: number;
  readonly partBytes: number;
  /** Until the head of the response, and between two parts, in ms. */
  readonly delayMs: number;
  readonly gapMs: number;
  readonly fault: PlannedFault | null;
}

/** What the client does besides sending the plan. */
export interface Manner {
  /** Bytes of text beside the plan in the body. */
  readonly paddingBytes: number;
  /** The client leaves after this time; null: never. */
  readonly leavesAfterMs: number | null;
  /** The client stops reading for this time after the head. */
  readonly pausesMs: number;
}

const PERCENT = 100;
/** Statuses that no worker's connection suffers from: safe to get from every worker at once. */
const EVERYWHERE: readonly FaultName[] = ['429', '500', '503'];

/** `engines`: numbers of those that a fault can strike. */
export function drawPlan(rng: Rng, id: string, engines: readonly number[]): Plan {
  const isStream = rng.below(2) === 0;
  return {
    id,
    isStream,
    parts: 1 + rng.below(isStream ? 30 : 4),
    partBytes: rng.below(20) === 0 ? 20_000 : 20 + rng.below(200),
    delayMs: rng.below(10) === 0 ? 300 : rng.below(40),
    gapMs: isStream ? rng.below(15) : 0,
    fault: drawFault(rng, engines, isStream),
  };
}

function drawFault(rng: Rng, engines: readonly number[], isStream: boolean): PlannedFault | null {
  const chance = rng.below(PERCENT * 10);
  if (chance >= 60) return null;
  if (chance === 0) return { name: 'hang', at: 'all' };
  if (chance < 8) return { name: pick(rng, EVERYWHERE), at: 'all' };
  const at = pick(rng, engines);
  if (chance < 40) return { name: pick(rng, EARLY_FAULTS), at };
  const name = pick(rng, LATE_FAULTS);
  return { name: name === 'bad chunk' && !isStream ? 'late close' : name, at };
}

export function drawManner(rng: Rng): Manner {
  const size = rng.below(PERCENT);
  return {
    paddingBytes: size === 0 ? 1_500_000 : size < 10 ? 100_000 : rng.below(2000),
    leavesAfterMs: rng.below(25) === 0 ? rng.below(250) : null,
    pausesMs: rng.below(25) === 0 ? rng.below(300) : 0,
  };
}

function pick<T>(rng: Rng, from: readonly T[]): T {
  return from[rng.below(from.length)]!;
}

export function bodyOf(plan: Plan, { paddingBytes }: Manner): string {
  return JSON.stringify({ text: `${plan.id} ${'x'.repeat(paddingBytes)}`, stream: plan.isStream, soak: plan });
}

/** The text of one part, which no other request has. */
export function partOf({ id, partBytes }: Plan, number: number): string {
  const text = `${id}.${number} `;
  return text + 'y'.repeat(Math.max(0, partBytes - text.length));
}

export function eventOf(plan: Plan, number: number): string {
  return `data: ${JSON.stringify({ text: partOf(plan, number), meta_info: { id: plan.id, finish_reason: null } })}\n\n`;
}

export const DONE_EVENT = 'data: [DONE]\n\n';

/** The body of a whole response. */
export function wholeBody(plan: Plan): string {
  const numbers = Array.from({ length: plan.parts }, (_, number) => number);
  if (plan.isStream) return numbers.map((number) => eventOf(plan, number)).join('') + DONE_EVENT;
  const text = numbers.map((number) => partOf(plan, number)).join('');
  return JSON.stringify({ text, meta_info: { id: plan.id, finish_reason: { type: 'length', length: plan.parts } } });
}
