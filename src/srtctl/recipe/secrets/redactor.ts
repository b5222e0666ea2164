/** Takes secrets out of everything that is written: files, logs, reports, messages. */
import { looksSecret } from './secret-values.ts';

const MARK = '***';
/** Shorter values are replaced only where they stand alone: `1` inside of other words is no secret. */
const SHORTEST_INSIDE = 4;

export interface Redactor {
  /** Text with every secret, also quoted for a shell, for JSON or for a URL, replaced by `***`; user names and passwords of URLs, too. */
  text(text: string): string;
  /** Plain data with all its texts redacted, and everything below keys that look secret. */
  data<T>(data: T): T;
}

export function createRedactor(secrets: readonly string[]): Redactor {
  const whole = new Set(secrets.filter((secret) => secret !== ''));
  const forms = new Set([...whole].filter((secret) => secret.length >= SHORTEST_INSIDE).flatMap(writtenForms));
  const longestFirst = [...forms].sort((a, b) => b.length - a.length).map((form) => form.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'));
  const pattern = longestFirst.length === 0 ? null : new RegExp(longestFirst.join('|'), 'g');
  const text = (original: string): string => {
    if (whole.has(original)) return MARK;
    const clean = pattern === null ? original : original.replace(pattern, MARK);
    return clean.includes('://') ? clean.replace(/:\/\/[^/@\s"']{1,256}@/g, `://${MARK}@`) : clean;
  };
  return { text, data: (data) => redacted(data, text, false) as typeof data };
}

/** As it may appear: bare, in JSON, in single quotes of a shell, in a URL, and line by line. */
function writtenForms(secret: string): string[] {
  const inJson = JSON.stringify(secret).slice(1, -1);
  const lines = secret
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line.length >= SHORTEST_INSIDE);
  return [secret, inJson, secret.replaceAll("'", "'\\''"), encoded(secret), ...lines];
}

function encoded(secret: string): string {
  try {
    return encodeURIComponent(secret);
  } catch {
    // A lone surrogate cannot be part of a URL either.
    return secret;
  }
}

function redacted(data: unknown, text: (original: string) => string, isSecret: boolean): unknown {
  if (typeof data === 'string') return isSecret && data !== '' ? MARK : text(data);
  if (typeof data === 'number') return isSecret ? MARK : data;
  if (Array.isArray(data)) return data.map((item) => redacted(item, text, isSecret));
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, redacted(value, text, isSecret || looksSecret(key))]));
}
