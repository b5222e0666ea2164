/** `concurrencies`: "16x32" is 16, then 32. */

export type Concurrencies =
  /** `repeated`: values that appear more than once, each of them once. */
  | { readonly ok: true; readonly values: readonly number[]; readonly repeated: readonly number[] }
  | { readonly ok: false; readonly message: string; readonly suggestion: string | null };

const MOST = 1_000_000;
const MAX_POINTS = 1000;

/** Text with separators between numbers, one number, or a list of numbers, each from 1 to 1,000,000. `separator`: `,` allows both. */
export function parseConcurrencies(given: unknown, separator: 'x' | ',' = 'x'): Concurrencies {
  const pattern = separator === 'x' ? 'x' : /[x,]/;
  const parts = (Array.isArray(given) ? given : [given]).flatMap((part) => (typeof part === 'string' ? part.split(pattern) : [part]));
  if (parts.length === 0) return refused('the list is empty', 'give at least one, for example "16x32"');
  if (parts.length > MAX_POINTS) return refused(`${parts.length} values; at most ${MAX_POINTS} are possible`, null);
  const values: number[] = [];
  for (const part of parts) {
    const text = String(part).trim();
    if (text === '') return refused('a number is missing beside an x', '"16x32" is 16, then 32');
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= 1 && value <= MOST)) {
      const comma = text.includes(',')
        ? `write ${JSON.stringify(String(given).replaceAll(',', 'x').replaceAll(' ', ''))}`
        : '"16x32" is 16, then 32';
      return refused(`${JSON.stringify(text.slice(0, 40))} is no whole number from 1 to ${MOST}`, comma);
    }
    values.push(value);
  }
  return { ok: true, values, repeated: [...new Set(values.filter((value, at) => values.indexOf(value) !== at))] };
}

function refused(message: string, suggestion: string | null): Concurrencies {
  return { ok: false, message, suggestion };
}
