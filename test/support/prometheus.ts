/** Reads an exposition with a parser that is not ours, so that a test of the metrics does not believe its own writer. */
import { createRequire } from 'node:module';

interface ParsedSample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: string;
}

interface ParsedFamily {
  readonly name: string;
  readonly metrics: readonly ParsedSample[];
}

type Labels = Readonly<Record<string, string>>;

// The package has no types; its README gives the shape.
const parse = createRequire(import.meta.url)('parse-prometheus-text-format') as (text: string) => ParsedFamily[];

/** The whole page of metrics that come in slices. */
export async function pageOf(metrics: { slices(): AsyncIterable<string> }): Promise<string> {
  let page = '';
  for await (const slice of metrics.slices()) page += slice;
  return page;
}

/** An exposition, to be asked for values. Throws if a line cannot be read. */
export class ScrapedMetrics {
  readonly #samples = new Map<string, readonly ParsedSample[]>();

  constructor(text: string) {
    // The parser throws the labels of histograms together; without their type it reads each line as it stands.
    const lines = text.replaceAll(/^# TYPE \S+ histogram$/gm, '');
    for (const { name, metrics } of parse(lines)) this.#samples.set(name, [...(this.#samples.get(name) ?? []), ...metrics]);
  }

  /** The samples of `name` whose labels include `labels`. */
  find(name: string, labels: Labels = {}): ParsedSample[] {
    const matches = ({ labels: own = {} }: ParsedSample) => Object.entries(labels).every(([label, value]) => own[label] === value);
    return (this.#samples.get(name) ?? []).filter(matches);
  }

  /** Value of the one sample that matches; throws if there is none or more than one. */
  value(name: string, labels: Labels = {}): number {
    const found = this.find(name, labels);
    if (found.length !== 1) throw new Error(`${found.length} samples of ${name} match ${JSON.stringify(labels)}`);
    return Number(found[0]!.value);
  }

  /** Sum over all samples that match; 0 if there is none. */
  total(name: string, labels: Labels = {}): number {
    return this.find(name, labels).reduce((total, { value }) => total + Number(value), 0);
  }

  /** Number of observations of a histogram. */
  count(name: string, labels: Labels = {}): number {
    return this.value(`${name}_count`, labels);
  }

  /** Observations of a histogram up to this bound, e.g. '0.05' or '+Inf'. */
  upTo(name: string, le: string, labels: Labels = {}): number {
    return this.value(`${name}_bucket`, { ...labels, le });
  }
}
