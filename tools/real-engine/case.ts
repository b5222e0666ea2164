/** One request of the comparison, and what may be said about its answer. The lists are in the cases-*.ts files. */

export interface Case {
  /** Unique; starts with the name of the area, so that `--only` can pick an area. */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
  /** Events of several answers come in turns: only the set of event shapes is compared, not their order. */
  readonly mixed: boolean;
  /** The engine samples with its own chance, so that the generated text differs from run to run. */
  readonly random: boolean;
  /** Key paths (or metric names) that both sides must show, where a simulated engine may show less than all. */
  readonly must: readonly string[];
  /** A document so large that only its first level is compared. */
  readonly shallow: boolean;
}

/** What the case lists are made with: the model's name, and ten characters that start every prompt. */
export interface CaseContext {
  readonly model: string;
  readonly tag: string;
}

type Extra = Partial<Pick<Case, 'headers' | 'mixed' | 'random' | 'shallow' | 'must'>>;

const JSON_TYPE = { 'content-type': 'application/json' };
const NOTHING_MORE = { headers: {}, mixed: false, random: false, shallow: false, must: [] };

/** A request without a body. */
export function bare(name: string, method: string, path: string, extra: Extra = {}): Case {
  return { ...NOTHING_MORE, ...extra, name, method, path, body: undefined };
}

/** A POST of `body`, as JSON unless it is bytes already. */
export function post(name: string, path: string, body: unknown, extra: Extra = {}): Case {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  return { ...NOTHING_MORE, headers: JSON_TYPE, ...extra, name, method: 'POST', path, body: bytes };
}

/** Greedy sampling of a fixed number of tokens: the length of every answer is known. */
export const GREEDY = { max_new_tokens: 8, temperature: 0, ignore_eos: true };
export const SENTENCE = 'The quick brown fox jumps over the lazy dog. ';
