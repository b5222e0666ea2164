/** JSON as Python writes it: floats keep their point, for readers that distinguish 0 from 0.0. */

/** A number that is a float in the answer even when it is whole. */
export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }

  toJSON(): number {
    return this.value;
  }
}

export type Json = string | number | boolean | null | Float | readonly Json[] | { readonly [key: string]: Json };

export function float(value: number): Float {
  return new Float(value);
}

/** JSON text of a float: `1.0` for 1. */
export function floatText(value: number): string {
  if (!Number.isFinite(value)) return '0.0';
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

/** Compact JSON text. */
export function toJson(value: Json): string {
  if (value instanceof Float) return floatText(value.value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(toJson).join(',')}]`;
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}:${toJson(item)}`)
    .join(',')}}`;
}

/** JSON text with the spaces of Python's `json.dumps`. */
export function spacedJson(value: Json): string {
  if (value instanceof Float || value === null || typeof value !== 'object') return toJson(value);
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(', ')}]`;
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}: ${spacedJson(item)}`)
    .join(', ')}}`;
}

/** How Python prints a parsed JSON value, for messages that quote the request. */
export function pythonRepr(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'string') return stringRepr(value);
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(', ')}]`;
  if (typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([key, item]) => `${stringRepr(key)}: ${pythonRepr(item)}`)
      .join(', ')}}`;
  }
  return String(value);
}

function stringRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t');
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
}
