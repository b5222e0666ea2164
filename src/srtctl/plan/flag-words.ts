/** Flags of a recipe as the words of a command line. */
import type { Flags, FlagValue } from '../recipe/resolve/recipe.ts';

/**
 * In the order of `flags`, without those of `except`. true: `--name`; false, null and empty lists: nothing; a list: its items as
 * words after the flag; an object: one word of JSON; text and numbers: one word, whatever it holds (no shell reads it). A word that
 * begins with `-` is joined to its flag by `=`, because argparse and commander would take it for a flag.
 */
export function flagWords(flags: Flags, except: ReadonlySet<string> = new Set()): string[] {
  const words: string[] = [];
  for (const [name, value] of Object.entries(flags)) if (!except.has(name)) appendFlag(words, name, value);
  return words;
}

function appendFlag(words: string[], name: string, value: FlagValue): void {
  if (value === null || value === false) return;
  if (value === true) {
    words.push(`--${name}`);
    return;
  }
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (items.length === 0) return;
  const texts = items.map((item) => (typeof item === 'object' ? JSON.stringify(item) : String(item)));
  if (texts.length === 1 && texts[0]?.startsWith('-') === true) {
    words.push(`--${name}=${texts[0]}`);
    return;
  }
  words.push(`--${name}`, ...texts);
}

/** The value of a flag as text, or null when it is absent, null or not a single value. */
export function findText(flags: Flags, ...names: readonly string[]): string | null {
  for (const name of names) {
    const value = flags[name];
    if (typeof value === 'string' || typeof value === 'number') return String(value);
  }
  return null;
}

/** The value of a flag as a port (1 to 65535), or null when it is absent or no port. */
export function findPort(flags: Flags, name: string): number | null {
  const text = findText(flags, name);
  const port = text === null || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isInteger(port) && port >= 1 && port <= 65_535 ? port : null;
}
