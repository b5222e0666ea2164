/**
 * A family is one declared metric with all its series: label values bound to a cell, or to a function that is asked at scrape
 * time. This is the only file that knows the shape of prom-client's metric objects; prom-client writes the text.
 */
import type { Metric, Registry } from 'prom-client';
import { Counter, Gauge, Histogram } from './cells.ts';
import { type LabelOf, METRICS, type MetricDeclaration, type MetricKey } from './declarations.ts';

export type Labels<Key extends MetricKey> = Readonly<Record<LabelOf<Key>, string>>;
/** One family per declared metric. */
export type Families = { readonly [Key in MetricKey]: Family<Key> };
type Cell = Counter | Gauge | Histogram | (() => number);

interface Sample {
  readonly metricName: string;
  /** Labels of this sample alone (`le`); prom-client puts them before the shared ones. */
  readonly labels: Readonly<Record<string, string | number>>;
  /** Labels of the series; the same object each time, so that prom-client formats them once. */
  readonly sharedLabels: Readonly<Record<string, string>>;
  readonly value: number;
}

const NO_LABELS = {};

export class Family<Key extends MetricKey> {
  readonly name: string;
  readonly #declaration: MetricDeclaration;
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, { readonly labels: Readonly<Record<string, string>>; readonly cell: Cell }>();

  /** `bounds`: of the buckets, for histograms. */
  constructor(registry: Registry, key: Key, bounds: readonly number[] = []) {
    this.#declaration = METRICS[key];
    this.name = this.#declaration.name;
    this.#bounds = bounds;
    // prom-client asks a registered metric for nothing but `name` and `get()`; its type demands the whole class.
    registry.registerMetric(this as unknown as Metric<string>);
  }

  /** Number of series. */
  get size(): number {
    return this.#series.size;
  }

  /** The counter of these labels: the same one for the same labels. Not for the hot path: keep what it returns. */
  counter(labels: Labels<Key>): Counter {
    return this.#cell(labels, () => new Counter(), Counter);
  }

  gauge(labels: Labels<Key>): Gauge {
    return this.#cell(labels, () => new Gauge(), Gauge);
  }

  histogram(labels: Labels<Key>): Histogram {
    return this.#cell(labels, () => new Histogram(this.#bounds), Histogram);
  }

  /** A series whose value is asked for at scrape time; replaces what had these labels. */
  read(labels: Labels<Key>, value: () => number): void {
    this.#series.set(this.#keyOf(labels), { labels: { ...labels }, cell: value });
  }

  /** Forgets a series; its cell may go on counting, unseen. */
  remove(labels: Labels<Key>): void {
    this.#series.delete(this.#keyOf(labels));
  }

  /** What prom-client calls at scrape time. */
  get(): Promise<{ name: string; help: string; type: string; values: Sample[] }> {
    const { name, help, type } = this.#declaration;
    const values: Sample[] = [];
    for (const { labels, cell } of this.#series.values()) {
      if (cell instanceof Histogram) addHistogram(values, name, labels, cell);
      else
        values.push({ metricName: name, labels: NO_LABELS, sharedLabels: labels, value: typeof cell === 'function' ? cell() : cell.value });
    }
    return Promise.resolve({ name, help, type, values });
  }

  #cell<T extends Counter | Gauge | Histogram>(labels: Labels<Key>, make: () => T, kind: new (bounds: readonly number[]) => T): T {
    const key = this.#keyOf(labels);
    const existing = this.#series.get(key)?.cell;
    if (existing instanceof kind) return existing;
    const cell = make();
    this.#series.set(key, { labels: { ...labels }, cell });
    return cell;
  }

  /** Label values in the declared order, joined by a character that no URL, path or name holds. */
  #keyOf(labels: Readonly<Record<string, string>>): string {
    return this.#declaration.labels.map((label) => labels[label]).join('\u0000');
  }
}

function addHistogram(values: Sample[], name: string, labels: Readonly<Record<string, string>>, histogram: Histogram): void {
  const bucket = `${name}_bucket`;
  const { bounds, counts } = histogram;
  let total = 0;
  for (let i = 0; i < bounds.length; i++) {
    total += counts[i]!;
    values.push({ metricName: bucket, labels: { le: bounds[i]! }, sharedLabels: labels, value: total });
  }
  total += counts[bounds.length]!;
  values.push({ metricName: bucket, labels: { le: '+Inf' }, sharedLabels: labels, value: total });
  values.push({ metricName: `${name}_sum`, labels: NO_LABELS, sharedLabels: labels, value: histogram.sum });
  values.push({ metricName: `${name}_count`, labels: NO_LABELS, sharedLabels: labels, value: total });
}
