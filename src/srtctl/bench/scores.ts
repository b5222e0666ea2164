/**
 * What tools that score answers leave: the score, and the throughput of the run where they measure it. Pure.
 * Sources: `sglang.test.run_eval` and `sgl-eval` of SGLang 0.5.23, lm-evaluation-harness 0.4.
 */

/** A file of the tool; `name` without directories. */
export interface ToolFile {
  readonly name: string;
  readonly text: string;
}

export interface Score {
  /** `score`, or task and metric of lm-eval. */
  readonly name: string;
  readonly value: number;
}

export interface ToolResult {
  /** Empty: nothing says. */
  readonly scores: readonly Score[];
  readonly outputTokensPerSecond: number | null;
}

/** Of its JSON files, else of what it wrote to its log. */
export function readToolResult(files: readonly ToolFile[]): ToolResult {
  const documents = files.filter(({ name }) => name.endsWith('.json')).map(({ text }) => parsed(text));
  const log = files.find(({ name }) => name === 'tool.log')?.text ?? '';
  const found = documents.flatMap((document) => [...sglangScores(document), ...lmEvalScores(document)]);
  const rate = documents.map(rateOf).find((value) => value !== null) ?? null;
  return {
    scores: found.length > 0 ? found : logScores(log),
    outputTokensPerSecond: rate ?? number(/Output throughput: ([\d.]+)/.exec(log)?.[1]),
  };
}

type Document = Readonly<Record<string, unknown>>;

/** run_eval: `score`, or `mean_score` of several rounds; sgl-eval: `aggregate.score`. */
function sglangScores(document: Document): readonly Score[] {
  const values = [document['mean_score'], document['score'], member(document['aggregate'], 'score')];
  const value = values.find((one) => typeof one === 'number');
  return typeof value === 'number' ? [{ name: 'score', value }] : [];
}

/** `results: {task: {"exact_match,strict-match": 0.5, ...}}` */
function lmEvalScores(document: Document): readonly Score[] {
  return Object.entries(objectOf(document['results'])).flatMap(([task, metrics]) =>
    Object.entries(objectOf(metrics)).flatMap(([metric, value]) =>
      typeof value === 'number' && metric.includes(',') && !metric.includes('_stderr') ? [{ name: `${task} ${metric}`, value }] : [],
    ),
  );
}

function rateOf(document: Document): number | null {
  const rate = document['output_throughput'] ?? document['output_throughput_tps'];
  return typeof rate === 'number' ? rate : null;
}

function logScores(log: string): readonly Score[] {
  const last = [...log.matchAll(/(?:^Score: |, mean: |^Accuracy: )([\d.]+)/gm)].at(-1);
  const value = number(last?.[1]);
  return value === null ? [] : [{ name: 'score', value }];
}

function number(text: string | undefined): number | null {
  const value = text === undefined ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}

function member(value: unknown, key: string): unknown {
  return objectOf(value)[key];
}

function objectOf(value: unknown): Document {
  return typeof value === 'object' && value !== null ? (value as Document) : {};
}

function parsed(text: string): Document {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    // A file of another kind, or one that was not finished.
    return {};
  }
}

/** For people, one line each, with line ends. */
export function scoreLines(type: string, { scores, outputTokensPerSecond }: ToolResult): string {
  const rate = outputTokensPerSecond === null ? '' : `, ${outputTokensPerSecond.toFixed(0)} out tok/s`;
  return scores.map(({ name, value }) => `${type}: ${name} ${value.toFixed(3)}${rate}\n`).join('');
}
