/** Reads what workers answer as JSON. */
import type { CallResult } from './worker-client.ts';

/** The body of an answer with status 200, if it is a JSON object or array; else null. */
export function jsonOf(result: CallResult): object | null {
  if (!result.ok || result.status !== 200) return null;
  try {
    const value: unknown = JSON.parse(result.body.toString());
    return typeof value === 'object' && value !== null ? value : null;
  } catch {
    // Not JSON: the same as no answer.
    return null;
  }
}

/** A member of an object that came from outside; undefined where there is none. */
export function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}
