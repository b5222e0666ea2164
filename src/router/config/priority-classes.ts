/** Priority classes: their defaults, and what the file of --priority-scheduler-config says about them. The keys of the file are smg's. */
import { isMap, isScalar, LineCounter, type Node, type Pair, parseDocument, type YAMLMap } from 'yaml';
import { type Problem, shown } from './problem.ts';

/** Highest first. */
export const PRIORITY_CLASSES = ['system', 'interactive', 'default', 'bulk'] as const;
export type PriorityClassName = (typeof PRIORITY_CLASSES)[number];

export interface PriorityClass {
  readonly name: PriorityClassName;
  /** Slots that the class keeps for itself, whatever their number. */
  readonly reservedFloor: number;
  /** Share of all slots that it keeps for itself, 0 to 1. */
  readonly reservedShare: number;
  readonly queueSize: number;
  readonly queueTimeoutSecs: number;
  /** After this time the first of its queue may use slots that higher classes keep. */
  readonly starvationSecs: number;
  /** Share of the slots, beside the other classes, while all of them wait. */
  readonly weight: number;
}

/** Source: smg, all but `weight`. */
export const STANDARD_CLASSES: readonly PriorityClass[] = [
  { name: 'system', reservedFloor: 32, reservedShare: 0, queueSize: 64, queueTimeoutSecs: 30, starvationSecs: 5, weight: 64 },
  { name: 'interactive', reservedFloor: 128, reservedShare: 0.25, queueSize: 256, queueTimeoutSecs: 30, starvationSecs: 5, weight: 16 },
  { name: 'default', reservedFloor: 0, reservedShare: 0.1, queueSize: 512, queueTimeoutSecs: 60, starvationSecs: 30, weight: 4 },
  { name: 'bulk', reservedFloor: 0, reservedShare: 0, queueSize: 1024, queueTimeoutSecs: 300, starvationSecs: 120, weight: 1 },
];

interface Field {
  readonly key: Exclude<keyof PriorityClass, 'name'>;
  readonly expected: string;
  readonly isValid: (value: number) => boolean;
}

const MAX_SECONDS = 2_147_483;
const isCount = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 1_000_000;
const isTime = (value: number): boolean => value > 0 && value <= MAX_SECONDS;
const COUNT = 'an integer from 0 to 1000000';
const TIME = `a number above 0, at most ${MAX_SECONDS}`;

const FIELDS: Readonly<Record<string, Field>> = {
  reserved_floor: { key: 'reservedFloor', expected: COUNT, isValid: isCount },
  reserved_per_slot: { key: 'reservedShare', expected: 'a number from 0 to 1', isValid: (value) => value >= 0 && value <= 1 },
  queue_size: { key: 'queueSize', expected: COUNT, isValid: isCount },
  queue_timeout_secs: { key: 'queueTimeoutSecs', expected: TIME, isValid: isTime },
  starvation_threshold_secs: { key: 'starvationSecs', expected: TIME, isValid: isTime },
  weight: { key: 'weight', expected: 'a number above 0', isValid: (value) => value > 0 && Number.isFinite(value) },
};

/** Known keys of smg's file for what this version does not do. */
const LATER: Readonly<Record<string, string>> = {
  tenant_policies: 'to be left out (tenants are not available in this version yet)',
  fair_share: 'to be left out (tenants are not available in this version yet)',
};

export interface PriorityFile {
  readonly classes: readonly PriorityClass[];
  readonly problems: readonly Problem[];
}

/** `name` stands for the file in messages. A class, or a key of one, that is left out keeps its default. */
export function readPriorityFile(name: string, text: string): PriorityFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, schema: 'core' });
  const problems: Problem[] = [];
  const complain = (node: Node | null | undefined, key: string, value: unknown, expected: string): void => {
    const { line, col } = lines.linePos(node?.range?.[0] ?? 0);
    problems.push({ flag: key, value: value === null ? null : shown(value), expected, source: `${name}:${line}:${col}` });
  };
  for (const error of document.errors) {
    const { line, col } = lines.linePos(error.pos[0]);
    problems.push({ flag: FLAG, value: null, expected: `valid YAML (${shown(error.message)})`, source: `${name}:${line}:${col}` });
  }
  const changes = new Map<string, Partial<Record<Field['key'], number>>>();
  if (problems.length === 0) {
    for (const [key, value, at] of membersOf(document.contents, FLAG, complain)) {
      if (key === 'classes') readClasses(value, changes, complain);
      else complain(at, key, null, LATER[key] ?? 'classes');
    }
  }
  return { classes: STANDARD_CLASSES.map((standard) => ({ ...standard, ...changes.get(standard.name) })), problems };
}

const FLAG = '--priority-scheduler-config';
type Complain = (node: Node | null | undefined, key: string, value: unknown, expected: string) => void;

function readClasses(node: Node | null, changes: Map<string, Partial<Record<Field['key'], number>>>, complain: Complain): void {
  for (const [name, value, at] of membersOf(node, 'classes', complain)) {
    if (!PRIORITY_CLASSES.some((known) => known === name)) {
      complain(at, `classes.${name}`, null, `one of ${PRIORITY_CLASSES.join(', ')}`);
      continue;
    }
    const change: Partial<Record<Field['key'], number>> = {};
    changes.set(name, change);
    for (const [key, field, place] of membersOf(value, `classes.${name}`, complain)) {
      const known = Object.hasOwn(FIELDS, key) ? FIELDS[key] : undefined;
      const plain = isScalar(field) ? field.value : undefined;
      if (known === undefined) complain(place, `classes.${name}.${key}`, null, `one of ${Object.keys(FIELDS).join(', ')}`);
      else if (typeof plain === 'number' && known.isValid(plain)) change[known.key] = plain;
      else complain(field ?? place, `classes.${name}.${key}`, plain ?? null, known.expected);
    }
  }
}

/** Key, value and place of each member; an empty node has none. */
function* membersOf(node: Node | null, what: string, complain: Complain): Generator<readonly [string, Node | null, Node]> {
  if (node === null || (isScalar(node) && node.value === null)) return;
  if (!isMap(node)) {
    complain(node, what, null, 'keys and values');
    return;
  }
  // Parsed from text, so keys and values are nodes.
  for (const { key, value } of (node as YAMLMap<Node, Node | null>).items as Pair<Node, Node | null>[]) {
    yield [isScalar(key) ? String(key.value) : '', value, key];
  }
}
