/**
 * The shape of a setting's value: how it is written on a command line, in the environment and in a file, and what is valid.
 * Text becomes plain data (what JSON or YAML would hold) and plain data becomes the value; only the second step judges.
 */
import { z } from 'zod';

/** Words that follow a flag: none, one, one per occurrence (occurrences collect), any number, at least one. */
export type Arity = 'none' | 'one' | 'each' | 'any' | 'some';

export interface Shape<T> {
  /** For people: 'string', 'integer', 'list of URLs'. */
  readonly type: string;
  readonly arity: Arity;
  /** True if occurrences of the flag add up; otherwise the last one wins. */
  readonly collects: boolean;
  /** For help: `HOST`; empty for switches. */
  readonly placeholder: string;
  /** Completes the sentence "expected ...". */
  readonly expected: string;
  /** Closed set of values, or null. */
  readonly choices: readonly string[] | null;
  /** Plain data in, value out. Every issue's message completes the sentence "expected ...". */
  readonly schema: z.ZodType<T>;
  /** Words after each occurrence of the flag, in order; for a switch: none, or the text after `=`. */
  fromWords(occurrences: readonly (readonly string[])[]): unknown;
  fromText(text: string): unknown;
}

function scalar<T>(parts: Omit<Shape<T>, 'arity' | 'collects' | 'fromWords' | 'fromText'>, read: (text: string) => unknown): Shape<T> {
  return {
    ...parts,
    arity: 'one',
    collects: false,
    fromWords: (occurrences) => read(occurrences.at(-1)?.[0] ?? ''),
    fromText: read,
  };
}

/** Any text that is not empty and holds no control character. */
export function text(placeholder: string, expected = 'text that is not empty'): Shape<string> {
  const schema = z.string({ error: expected }).regex(/^\P{Cc}+$/u, { error: expected });
  return scalar({ type: 'string', placeholder, expected, choices: null, schema }, (word) => word);
}

/** Text that `parse` turns into its canonical form; null means that it is not valid. */
export function parsedText(placeholder: string, expected: string, parse: (word: string) => string | null): Shape<string> {
  const schema = z.string({ error: expected }).transform((word, context) => {
    const parsed = parse(word);
    if (parsed !== null) return parsed;
    context.addIssue({ code: 'custom', message: expected });
    return z.NEVER;
  });
  return scalar({ type: 'string', placeholder, expected, choices: null, schema }, (word) => word);
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

export function int(placeholder: string, { min, max }: Range): Shape<number> {
  const expected = rangeText('an integer', min, max);
  const schema = z.int({ error: expected }).min(min, { error: expected }).max(max, { error: expected });
  return scalar({ type: 'integer', placeholder, expected, choices: null, schema }, readNumber);
}

export function float(placeholder: string, { min, max }: Range): Shape<number> {
  const expected = rangeText('a number', min, max);
  const schema = z.number({ error: expected }).min(min, { error: expected }).max(max, { error: expected });
  return scalar({ type: 'number', placeholder, expected, choices: null, schema }, readNumber);
}

function rangeText(what: string, min: number, max: number): string {
  if (max !== Number.MAX_SAFE_INTEGER) return `${what} from ${min} to ${max}`;
  return min === -Number.MAX_SAFE_INTEGER ? what : `${what} of at least ${min}`;
}

/** A decimal number, or the text itself, which no number schema takes. */
export function readNumber(word: string): unknown {
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(word) ? Number(word) : word;
}

/** True by being there; `--name=false` takes back what a file or the environment switched on. */
export function toggle(): Shape<boolean> {
  const expected = 'true or false';
  const read = (word: string): unknown => {
    if (/^(?:true|yes|on|1)$/i.test(word)) return true;
    return /^(?:false|no|off|0)$/i.test(word) ? false : word;
  };
  return {
    type: 'switch',
    arity: 'none',
    collects: false,
    placeholder: '',
    expected,
    choices: null,
    schema: z.boolean({ error: expected }),
    fromWords: (occurrences) => {
      const word = occurrences.at(-1)?.[0];
      return word === undefined ? true : read(word);
    },
    fromText: read,
  };
}

export interface ChoiceOptions<T extends string> {
  /** Other spellings that older programs take, and what they mean. */
  readonly synonyms?: Readonly<Record<string, T>>;
  /** Values that are known elsewhere and make no sense here, and why. */
  readonly wrong?: Readonly<Record<string, string>>;
}

export function choice<const T extends string>(placeholder: string, values: readonly T[], options: ChoiceOptions<T> = {}): Shape<T> {
  const synonyms = options.synonyms ?? {};
  const expected = values.length === 1 ? `${values[0]}` : `one of ${values.join(', ')}`;
  const error = ({ input }: { input?: unknown }): string => {
    const word = String(input);
    const why = options.wrong !== undefined && Object.hasOwn(options.wrong, word) ? options.wrong[word] : undefined;
    return why === undefined ? expected : `${expected} (${why})`;
  };
  const schema = z
    .enum([...values, ...Object.keys(synonyms)] as [string, ...string[]], { error })
    // The enum admits only values and synonyms, so what is no synonym is a T.
    .transform((word) => synonyms[word] ?? (word as T));
  return scalar<T>({ type: 'choice', placeholder, expected, choices: values, schema }, (word) => word);
}
