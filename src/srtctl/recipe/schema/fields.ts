/**
 * Building blocks of the schemas of recipe and cluster file. Each field carries what its complaint, the JSON Schema and the
 * reference page say: `expected` completes "expected ...", `describe` is its meaning, `standard` its default. Every field may be
 * left out as far as zod is concerned; what a recipe cannot do without is asked for where the recipe is resolved.
 */
import { z } from 'zod';

interface FieldText {
  readonly describe: string;
  /** The value that counts when there is none, as YAML; or `whenUnset` says it in words. */
  readonly standard?: string | number | boolean;
  readonly whenUnset?: string;
}

/** What quoted text of a field is read as: `"300"` and `"true"` mean the same without quotes, as sweeps and templates write them. */
export type Unquoted = 'number' | 'boolean';

function field<T extends z.ZodType>(
  schema: T,
  expected: string,
  { describe, standard, whenUnset }: FieldText,
  unquoted?: Unquoted,
): z.ZodOptional<T> {
  const unset = whenUnset ?? (standard === undefined ? '' : JSON.stringify(standard));
  const more = { ...(standard === undefined ? {} : { default: standard }), ...(unquoted === undefined ? {} : { unquoted }) };
  return schema.meta({ description: describe, expected, unset, ...more }).optional();
}

type Field<T> = z.ZodOptional<z.ZodType<T>>;

export function text(spec: FieldText, expected = 'text'): Field<string> {
  return field(z.string({ error: expected }).min(1, { error: expected }), expected, spec);
}

export function pattern(regex: RegExp, expected: string, spec: FieldText): Field<string> {
  return field(z.string({ error: expected }).regex(regex, { error: expected }), expected, spec);
}

export function oneOf<const T extends readonly [string, ...string[]]>(words: T, spec: FieldText): Field<T[number]> {
  const expected = words.length === 1 ? words[0] : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
  return field(z.enum(words, { error: expected }), expected, spec) as Field<T[number]>;
}

export function yesNo(spec: FieldText): Field<boolean> {
  return field(z.boolean({ error: 'true or false' }), 'true or false', spec, 'boolean');
}

const WHOLE_NUMBER = /^\d{1,9}$/;

/** Whole numbers, also in quotes: a sweep or an environment variable may have made text of them. */
export function count(least: number, spec: FieldText, most = 1_000_000): z.ZodOptional<z.ZodType<number | string>> {
  const expected = `a whole number from ${least} to ${most}`;
  const error = { error: expected };
  const schema = z
    .union([z.int(error).min(least, error).max(most, error), z.string(error).regex(WHOLE_NUMBER, error)], error)
    .refine((value) => Number(value) >= least && Number(value) <= most, error);
  return field(schema, expected, spec);
}

/** A number from `least` (above it where `isOpen`) to `most`. */
export function number(least: number, most: number, spec: FieldText, isOpen = false): Field<number> {
  const upper = most === Number.MAX_VALUE ? '' : isOpen ? `, at most ${most}` : ` to ${most}`;
  const expected = isOpen ? `a number above ${least}${upper}` : `a number from ${least}${upper}`;
  const error = { error: expected };
  const bounded = isOpen ? z.number(error).gt(least, error) : z.number(error).min(least, error);
  return field(bounded.max(most, error), expected, spec, 'number');
}

export function either<const T extends readonly [z.ZodType, ...z.ZodType[]]>(
  forms: T,
  expected: string,
  spec: FieldText,
  unquoted?: Unquoted,
): z.ZodOptional<z.ZodUnion<T>> {
  return field(z.union(forms as never, { error: expected }), expected, spec, unquoted) as z.ZodOptional<z.ZodUnion<T>>;
}

const SCALAR = z.union([z.string(), z.number(), z.boolean()], { error: 'text, a number, true or false' });

/** Name -> value of environment variables. */
export function environment(describe: string): Field<Record<string, unknown>> {
  const expected = 'names and values';
  return field(z.record(z.string(), SCALAR, { error: expected }), expected, { describe, whenUnset: '{}' });
}

/** Flag -> value. */
export function flags(describe: string): Field<Record<string, unknown>> {
  const expected = 'flags and values';
  return field(z.record(z.string(), z.unknown(), { error: expected }), expected, { describe, whenUnset: '{}' });
}

/** Name -> text. */
export function names(describe: string): Field<Record<string, string>> {
  const expected = 'names, each with text';
  return field(z.record(z.string(), z.string({ error: 'text' }), { error: expected }), expected, { describe, whenUnset: '{}' });
}

/** Option -> value; no value for an option that takes none. */
export function options(describe: string): Field<Record<string, unknown>> {
  const expected = 'options, with or without a value';
  return field(
    z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()], { error: 'text, a number, true, false or nothing' }), {
      error: expected,
    }),
    expected,
    { describe, whenUnset: '{}' },
  );
}

/** As `texts`, where numbers are texts, too. */
export function list(describe: string, expected: string): Field<(string | number)[]> {
  return field(
    z.array(z.union([z.string(), z.number()], { error: expected }), { error: `a list of ${expected}` }),
    `a list of ${expected}`,
    {
      describe,
      whenUnset: '[]',
    },
  );
}

export function texts(describe: string, expected: string): Field<string[]> {
  return field(z.array(z.string({ error: expected }), { error: `a list of ${expected}` }), `a list of ${expected}`, {
    describe,
    whenUnset: '[]',
  });
}

/** A block of keys; others are refused. */
export function block<S extends z.ZodRawShape>(describe: string, shape: S): z.ZodOptional<z.ZodObject<S, z.core.$strict>> {
  return z.strictObject(shape, { error: 'a block of keys' }).meta({ description: describe, expected: 'a block of keys' }).optional();
}

/** Any value under a name; what it means is read elsewhere. */
export function anything(describe: string, expected: string): Field<unknown> {
  return field(z.unknown(), expected, { describe, whenUnset: '{}' });
}
