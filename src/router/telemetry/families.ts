/**
 * A family is one declared metric with all its series: label values bound to a cell, or to a function that is called at scrape time.
 * It writes its text (docs/decisions/metrics-text.md).
 */
import { Counter, Gauge, Histogram } from '../../base/telemetry/cells.ts';
import { type LabelOf, METRICS, type MetricDeclaration, type MetricKey } from './declarations.ts';
import { familyHead, histogramText, labelText, numberText } from './text-format.ts';

export type Labels<Key extends MetricKey> = Readonly<Record<LabelOf<Key>, string>>;
/** One family per declared metric. */
export type Families = { readonly [Key in MetricKey]: Family<Key> };
type Cell = Counter | Gauge | Histogram | (() => number);

interface Series {
  /** `a="b",c="d"`, escaped; '' without labels. */
  readonly labelText: string;
  readonly cell: Cell;
}

export class Family<Key extends MetricKey> {
  readonly name: string;
  readonly #declaration: MetricDeclaration;
  readonly #bounds: readonly number[];
  /** Counters of workers: their number grows with the fleet. Gauges of workers are always shown, so a worker without requests is visible. */
  readonly #hidesZero: boolean;
  /** By label text. */
  readonly #series = new Map<string, Series>();

  /** `bounds`: of the buckets, for histograms. */
  constructor(key: Key, bounds: readonly number[] = []) {
    this.#declaration = METRICS[key];
    this.name = this.#declaration.name;
    this.#bounds = bounds;
    this.#hidesZero = this.#declaration.type === 'counter' && this.#declaration.labels.includes('worker');
  }

  /** Number of series. */
  get size(): number {
    return this.#series.size;
  }

  /** The counter of these labels: the same object for the same labels. Not for the hot path: keep what it returns. */
  counter(labels: Labels<Key>): Counter {
    return this.#cell(labels, () => new Counter(), Counter);
  }

  gauge(labels: Labels<Key>): Gauge {
    return this.#cell(labels, () => new Gauge(), Gauge);
  }

  histogram(labels: Labels<Key>): Histogram {
    return this.#cell(labels, () => new Histogram(this.#bounds), Histogram);
  }

  /** A series whose value is read at scrape time; replaces a series with the same labels. */
  read(labels: Labels<Key>, value: () => number): void {
    this.#add(labels, value);
  }

  /** Removes a series from the page; its cell can still be incremented. */
  remove(labels: Labels<Key>): void {
    this.#series.delete(this.#textOf(labels));
  }

  /** The lines of this family, in pieces of at most one series each, every line with its end. */
  *text(): Generator<string, void> {
    const { name, help, type } = this.#declaration;
    yield familyHead(name, help, type);
    for (const { labelText, cell } of this.#series.values()) {
      if (cell instanceof Histogram) {
        yield histogramText(name, labelText, cell);
        continue;
      }
      const value = typeof cell === 'function' ? cell() : cell.value;
      if (value === 0 && this.#hidesZero) continue;
      yield `${name}${labelText === '' ? '' : `{${labelText}}`} ${numberText(value)}\n`;
    }
  }

  #cell<T extends Counter | Gauge | Histogram>(labels: Labels<Key>, make: () => T, kind: new (bounds: readonly number[]) => T): T {
    const existing = this.#series.get(this.#textOf(labels))?.cell;
    if (existing instanceof kind) return existing;
    const cell = make();
    this.#add(labels, cell);
    return cell;
  }

  #add(labels: Labels<Key>, cell: Cell): void {
    const text = this.#textOf(labels);
    this.#series.set(text, { labelText: text, cell });
  }

  /** In the declared order, not that of `labels`; identifies a series. */
  #textOf(labels: Readonly<Record<string, string>>): string {
    return labelText(this.#declaration.labels, labels);
  }
}
