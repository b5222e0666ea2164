/** Scripted faults: rules that strike matching requests in order, with a limit or a probability. */
import type { Rng } from '../../base/core/rng.ts';
import type { PairFault, PairPlace } from '../scheduling/pair-spec.ts';

export const FAULT_KINDS = ['delay', 'hang', 'reset', 'status', 'cut', 'stall', 'abort', 'garbage', 'refuse', 'freeze', 'die'] as const;
/**
 * `delay`: the answer starts `delayMs` later. `hang`: no answer (until the client leaves). `reset`, `cut`: the connection
 * breaks (RST, FIN) after `afterTokens` events of a stream or half of a plain body; `reset` without `afterTokens` before
 * any byte. `status`: `status`, `headers`, `body` instead of the answer. `stall`: a stream stops for `durationMs`
 * after `afterTokens`. `abort`: the engine ends the request after `afterTokens` with an error. `garbage`: bytes that are
 * not HTTP. `refuse`: the listening socket is closed for `durationMs` when the rule is added. `freeze`: the schedulers stop when
 * the rule is added, and run again after `durationMs` (0, the default here: when the rule is removed); the HTTP side continues.
 * `die`: the engine ends.
 */
export type FaultKind = (typeof FAULT_KINDS)[number];

/**
 * `request`: when the request has been read. In a pair also `before-kv` and `after-kv`: prefill, when the KV is computed and
 * when decode has it, before the answer; decode, after the handshake and when the KV has arrived, before the first token.
 */
export type FaultPlace = 'request' | PairPlace;
export const FAULT_PLACES: readonly FaultPlace[] = ['request', 'before-kv', 'after-kv'];
/** Kinds that can strike at the places of a pair. */
const PAIR_KINDS: readonly PairFault['kind'][] = ['delay', 'hang', 'abort', 'die'];

export interface FaultRule {
  readonly kind: FaultKind;
  readonly at: FaultPlace;
  /** Only requests whose path starts with this; '' for all. */
  readonly path: string;
  /** How often it strikes; 0: no limit. */
  readonly count: number;
  /** Share of the matching requests that it strikes, 0..1. */
  readonly probability: number;
  readonly delayMs: number;
  readonly durationMs: number;
  /** -1: not given. */
  readonly afterTokens: number;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface ListedFault extends FaultRule {
  readonly id: number;
  /** Requests struck so far. */
  readonly hits: number;
}

/** A fault that strikes in the middle of an answer. */
export interface StreamFault {
  readonly kind: 'reset' | 'cut' | 'stall';
  readonly afterTokens: number;
  readonly durationMs: number;
}

/** Kinds that act when the rule is added, and strike no request. */
const AT_ONCE: readonly FaultKind[] = ['refuse', 'freeze'];
const MOST_RULES = 100;
const DEFAULT_RULE: FaultRule = {
  kind: 'hang',
  at: 'request',
  path: '',
  count: 0,
  probability: 1,
  delayMs: 1000,
  durationMs: 1000,
  afterTokens: -1,
  status: 503,
  headers: {},
  body: '',
};

export class FaultList {
  readonly #rng: Rng;
  #rules: { id: number; rule: FaultRule; hits: number }[] = [];
  #nextId = 1;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** Adds a rule at the end and returns its id. Throws a RangeError when there are too many. */
  add(rule: Partial<FaultRule> & { readonly kind: FaultKind }): number {
    if (this.#rules.length >= MOST_RULES) throw new RangeError(`at most ${MOST_RULES} faults`);
    const id = this.#nextId++;
    const durationMs = rule.kind === 'freeze' ? 0 : DEFAULT_RULE.durationMs;
    this.#rules.push({ id, rule: { ...DEFAULT_RULE, durationMs, ...rule }, hits: 0 });
    return id;
  }

  /** Removes one rule, or all. */
  remove(id: number | null = null): void {
    this.#rules = id === null ? [] : this.#rules.filter((entry) => entry.id !== id);
  }

  has(kind: FaultKind): boolean {
    return this.#rules.some(({ rule }) => rule.kind === kind);
  }

  list(): readonly ListedFault[] {
    return this.#rules.map(({ id, rule, hits }) => ({ id, ...rule, hits }));
  }

  /** The rules that strike a request for `path` when it has been read, which counts as a hit of each. A rule strikes `count` times at most. */
  strike(path: string): readonly FaultRule[] {
    return this.#strike(path, (rule) => rule.at === 'request');
  }

  /** The same for a request that generates, at the places of a pair. */
  strikePair(path: string): readonly PairFault[] {
    return this.#strike(path, isPairFault).filter(isPairFault);
  }

  #strike(path: string, isMeant: (rule: FaultRule) => boolean): readonly FaultRule[] {
    if (this.#rules.length === 0) return [];
    const struck: FaultRule[] = [];
    for (const entry of this.#rules) {
      const { rule } = entry;
      if (AT_ONCE.includes(rule.kind) || !path.startsWith(rule.path) || !isMeant(rule)) continue;
      if (rule.count > 0 && entry.hits >= rule.count) continue;
      if (rule.probability < 1 && this.#rng.nextUint32() / 2 ** 32 >= rule.probability) continue;
      entry.hits++;
      struck.push(rule);
    }
    return struck;
  }
}

function isPairFault(rule: FaultRule): rule is FaultRule & PairFault {
  return rule.at !== 'request' && PAIR_KINDS.some((known) => known === rule.kind);
}

/** A rule from a JSON body, or what is wrong with it. */
export function readFaultRule(
  value: unknown,
): { readonly rule: Partial<FaultRule> & { readonly kind: FaultKind } } | { readonly problems: readonly string[] } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { problems: ['expected an object'] };
  const given = new Map<string, unknown>(Object.entries(value));
  const problems: string[] = [];
  const kind = FAULT_KINDS.find((known) => known === given.get('kind'));
  if (kind === undefined) problems.push(`kind: expected one of ${FAULT_KINDS.join(', ')}`);
  const limits: Record<string, readonly [number, number]> = {
    count: [0, 1e9],
    probability: [0, 1],
    delayMs: [0, 1e9],
    durationMs: [0, 1e9],
    afterTokens: [0, 1e9],
    status: [200, 599],
  };
  for (const [name, item] of given) {
    const limit = limits[name];
    if (name === 'kind') continue;
    if (limit !== undefined) {
      if (typeof item !== 'number' || !(item >= limit[0] && item <= limit[1]))
        problems.push(`${name}: expected a number from ${limit[0]} to ${limit[1]}`);
    } else if (name === 'at') {
      if (!FAULT_PLACES.some((place) => place === item)) problems.push(`at: expected one of ${FAULT_PLACES.join(', ')}`);
      else if (item !== 'request' && kind !== undefined && !PAIR_KINDS.some((known) => known === kind))
        problems.push(`at: ${String(item)} goes with ${PAIR_KINDS.join(', ')}`);
    } else if (name === 'path' || name === 'body') {
      if (typeof item !== 'string') problems.push(`${name}: expected text`);
    } else if (name === 'headers') {
      const isFine = typeof item === 'object' && item !== null && Object.values(item).every((text) => typeof text === 'string');
      if (!isFine) problems.push('headers: expected an object of texts');
    } else problems.push(`${name}: unknown; expected kind, at, path, body, headers, ${Object.keys(limits).join(', ')}`);
  }
  if (kind === undefined || problems.length > 0) return { problems };
  // Every member was checked above.
  return { rule: { ...(value as Partial<FaultRule>), kind } };
}
