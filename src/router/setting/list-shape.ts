/** Shapes of settings that hold several values. On a command line these may be separated by commas, spaces or repetition. */
import { z } from 'zod';
import { parseWorkerAddress, type WorkerAddress } from '../../base/core/worker-address.ts';
import { type Arity, readNumber, type Shape } from './shape.ts';

interface ListParts<T> {
  readonly type: string;
  readonly placeholder: string;
  readonly expected: string;
  readonly item: z.ZodType<T>;
  readonly arity?: Arity;
  readonly choices?: readonly string[];
  /** How one text is cut into items; the default cuts at commas and white space. */
  readonly cut?: (text: string) => readonly string[];
  readonly read?: (item: string) => unknown;
}

const cutAtCommasAndSpaces = (text: string): readonly string[] => text.split(/[\s,]+/).filter((item) => item !== '');
const cutAtCommas = (text: string): readonly string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

function list<T>(parts: ListParts<T>): Shape<readonly T[]> {
  const cut = parts.cut ?? cutAtCommasAndSpaces;
  const read = parts.read ?? ((item) => item);
  const fromText = (text: string): unknown => cut(text).map(read);
  return {
    type: parts.type,
    arity: parts.arity ?? 'any',
    collects: true,
    placeholder: parts.placeholder,
    expected: parts.expected,
    choices: parts.choices ?? null,
    schema: z.array(parts.item, { error: `a list: ${parts.expected}` }),
    fromText,
    fromWords: (occurrences) => occurrences.flat().flatMap((word) => fromText(word)),
  };
}

function itemText(expected: string, pattern: RegExp): z.ZodType<string> {
  return z.string({ error: expected }).regex(pattern, { error: expected });
}

/** Texts without control characters; items are not cut at commas or spaces, since paths and names may hold them. */
export function texts(placeholder: string, expected: string, options: { arity?: Arity; pattern?: RegExp } = {}): Shape<readonly string[]> {
  return list({
    type: 'list of strings',
    placeholder,
    expected,
    item: itemText(expected, options.pattern ?? /^\P{Cc}+$/u),
    ...(options.arity === undefined ? {} : { arity: options.arity }),
    // Items may hold spaces and commas. One word or variable holds several as lines.
    cut: (text) => text.split('\n').filter((line) => line !== ''),
  });
}

/** `name=value` items; one word may hold several, separated by spaces. */
export function pairs(placeholder: string, arity: Arity = 'some'): Shape<readonly string[]> {
  const expected = 'name=value';
  return list({ type: 'list of name=value', placeholder, expected, arity, item: itemText(expected, /^[^\s=]+=\S*$/) });
}

export function numbers(placeholder: string, expected: string, options: { ascending: boolean; arity: Arity }): Shape<readonly number[]> {
  const item = z.number({ error: expected }).positive({ error: expected });
  const shape = list({ type: 'list of numbers', placeholder, expected, item, arity: options.arity, read: readNumber });
  if (!options.ascending) return shape;
  const schema = shape.schema.refine((values) => values.every((value, at) => at === 0 || value > values[at - 1]!), { error: expected });
  return { ...shape, schema };
}

/** HTTP statuses of errors. */
export function statusCodes(placeholder: string): Shape<readonly number[]> {
  const expected = 'HTTP status codes from 400 to 599';
  const item = z.int({ error: expected }).min(400, { error: expected }).max(599, { error: expected });
  return list({ type: 'list of statuses', placeholder, expected, item, arity: 'some', read: readNumber });
}

/** Names of header fields, folded to lower case. `refused`: names that may not be given, and why; `anything` may stand for all. */
export function headerNames(placeholder: string, options: { refused?: readonly string[]; all?: boolean } = {}): Shape<readonly string[]> {
  const expected = `names of header fields${options.all ? ", or '*' for all" : ''}`;
  const refused = new Set(options.refused);
  const item = z
    .string({ error: expected })
    .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, { error: expected })
    .refine((name) => options.all || name !== '*', { error: expected })
    .refine((name) => !refused.has(name.toLowerCase()), { error: 'a header field that the router does not set or drop by itself' })
    .transform((name) => name.toLowerCase());
  return list({ type: 'list of header names', placeholder, expected, item });
}

/** Paths of HTTP requests, as they are sent; `/*` at the end stands for everything below. */
export function paths(placeholder: string): Shape<readonly string[]> {
  const expected = 'paths that begin with / and have no query; * only in /* at the end';
  return list({ type: 'list of paths', placeholder, expected, item: itemText(expected, /^\/(?:[^\s,?#*]*|[^\s,?#*]*\/\*|\*)$/) });
}

function addressItem(): z.ZodType<WorkerAddress> {
  return z.string({ error: 'the URL of a worker' }).transform((text, context) => {
    const result = parseWorkerAddress(text);
    if (result.ok) return result.address;
    context.addIssue({ code: 'custom', message: result.expected });
    return z.NEVER;
  });
}

export function workerUrls(placeholder: string, arity: Arity = 'any'): Shape<readonly WorkerAddress[]> {
  return list({ type: 'list of URLs', placeholder, expected: 'URLs of workers', item: addressItem(), arity });
}

/** A worker of a pair with its bootstrap port; null: none. */
export interface BootstrapAddress {
  readonly address: WorkerAddress;
  readonly bootstrapPort: number | null;
}

/** `URL [PORT|none]` per occurrence of the flag; in the environment separated by commas, in a file one text each. */
export function bootstrapUrls(placeholder: string): Shape<readonly BootstrapAddress[]> {
  const expected = 'URL, or URL and a bootstrap port from 1 to 65535 or none';
  const item = z.string({ error: expected }).transform((text, context): BootstrapAddress => {
    const [url = '', port = 'none', ...more] = text.trim().split(/\s+/);
    const result = parseWorkerAddress(url);
    const bootstrapPort = port.toLowerCase() === 'none' ? null : /^\d{1,5}$/.test(port) ? Number(port) : 0;
    const isPort = bootstrapPort === null || (bootstrapPort >= 1 && bootstrapPort <= 65535);
    if (result.ok && isPort && more.length === 0) return { address: result.address, bootstrapPort };
    // argparse forgot a third word in silence, and a worker with it.
    if (!result.ok) context.addIssue({ code: 'custom', message: result.expected });
    else if (!isPort) context.addIssue({ code: 'custom', message: `a bootstrap port from 1 to 65535, or none, after the URL` });
    else context.addIssue({ code: 'custom', message: `${expected}, once for each worker` });
    return z.NEVER;
  });
  const shape = list({ type: 'list of URLs with bootstrap ports', placeholder, expected, item, arity: 'some', cut: cutAtCommas });
  // An empty word is a shell variable that is not set, and no way to say `none`.
  const shown = (word: string): string => (word.trim() === '' ? '""' : word);
  return { ...shape, fromWords: (occurrences) => occurrences.map((words) => words.map(shown).join(' ')) };
}
