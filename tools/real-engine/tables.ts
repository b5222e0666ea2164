/** Turns observations into the rows of the report. */

import type { Case } from './case.ts';
import { differences, judge, type KnownDifference, missing, type Relation } from './difference.ts';
import type { Observation } from './observe.ts';
import type { Row, Table } from './report.ts';
import type { Sight } from './scenarios.ts';

/** A column of a table: whose answers are compared with whose. */
export interface Column<Seen> {
  readonly title: string;
  readonly relation: Relation;
  readonly a: Seen;
  readonly b: Seen;
}

/** Judges lines by the table of known differences, and remembers which of its entries were needed. */
export class Judge {
  readonly #known: readonly KnownDifference[];
  readonly #used = new Set<number>();

  constructor(known: readonly KnownDifference[]) {
    this.#known = known;
  }

  judge(lines: readonly string[], name: string, relation: Relation) {
    const judged = judge(lines, name, relation, this.#known);
    for (const index of judged.explainedBy) this.#used.add(index);
    return judged;
  }

  /** Indices of entries that have explained nothing. */
  unused(): number[] {
    return this.#known.map((_, i) => i).filter((i) => !this.#used.has(i));
  }
}

function inShort(seen: Observation): string {
  if (seen.body === 'events') return `${seen.status}, ${seen.events.length === seen.eventCount ? seen.eventCount : 'many'} events`;
  return seen.body === 'none' ? seen.status : `${seen.status}, ${seen.body}`;
}

export function caseTable(
  title: string,
  cases: readonly Case[],
  columns: readonly Column<ReadonlyMap<string, Observation>>[],
  judge: Judge,
): Table {
  const rows = cases.map((one): Row => {
    const cells = columns.map(({ relation, a, b }) => {
      // Every column has an observation of every case.
      const [left, right] = [a.get(one.name)!, b.get(one.name)!];
      const lines = differences(left, right, relation);
      if (relation === 'simulated') lines.push(...missing(one, left), ...missing(one, right));
      return judge.judge(lines, one.name, relation);
    });
    return { name: one.name, answer: inShort(columns[0]!.a.get(one.name)!), cells };
  });
  return { title, columns: columns.map((column) => column.title), rows, agreed: 'same' };
}

export function sightTable(title: string, columns: readonly Column<Sight>[], judge: Judge): Table {
  const names = new Set(columns.flatMap(({ a, b }) => [...Object.keys(a), ...Object.keys(b)]));
  const rows = [...names].map((name): Row => {
    const cells = columns.map(({ relation, a, b }) => {
      if (!(name in a) && !(name in b)) return undefined;
      return judge.judge(a[name] === b[name] ? [] : [`${a[name]} | ${b[name]}`], name, relation);
    });
    const seen = columns.find(({ a }) => name in a)?.a[name] ?? '';
    return { name, answer: seen.length > 64 ? `${seen.slice(0, 60)} ...` : seen, cells };
  });
  return { title, columns: columns.map((column) => column.title), rows, agreed: 'same' };
}
