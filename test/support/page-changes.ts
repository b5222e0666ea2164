/**
 * Reads from a page how parts are added: the code blocks of each section, as changes of files.
 *
 *   ```ts              ```diff
 *   // PATH            --- PATH
 *   a new file          context
 *                      -line that goes
 *                      +line that comes
 *                      @@               (another place of the same file)
 */

export interface Section {
  readonly title: string;
  /** Paths in the first column of its first table. */
  readonly files: readonly string[];
  readonly changes: readonly Change[];
}

export interface Change {
  readonly path: string;
  /** The text of the file after the change. `before`: null if there is no such file. Throws if the change does not fit. */
  apply(before: string | null): string;
}

/** The sections that have changes. */
export function readSections(page: string): Section[] {
  const sections = page.split(/^## /m).slice(1).map(readSection);
  return sections.filter(({ changes }) => changes.length > 0);
}

function readSection(text: string): Section {
  const title = text.slice(0, text.indexOf('\n'));
  const files = [...text.matchAll(/^\| `([^`]+)` +\|/gm)].map(([, path = '']) => path);
  const blocks = [...text.matchAll(/^```(?:ts|diff)\n(?:\/\/|---) (\S+)\n([\s\S]*?)^```$/gm)];
  const changes = blocks.map(([block, path = '', body = '']) => (block.startsWith('```ts') ? newFile(path, body) : changed(path, body)));
  return { title, files, changes };
}

function newFile(path: string, body: string): Change {
  return {
    path,
    apply(before) {
      if (before !== null) throw new Error(`${path} is there already`);
      return body;
    },
  };
}

function changed(path: string, body: string): Change {
  const places = body.split(/^@@\n/m).map((place) => place.split('\n').slice(0, -1));
  return {
    path,
    apply(before) {
      if (before === null) throw new Error(`${path}: no such file`);
      return places.reduce((text, lines) => replaceOnce(path, text, without('+', lines), without('-', lines)), before);
    },
  };
}

function without(sign: string, lines: readonly string[]): string {
  return lines
    .filter((line) => !line.startsWith(sign))
    .map((line) => `${line.slice(1)}\n`)
    .join('');
}

function replaceOnce(path: string, text: string, old: string, fresh: string): string {
  const parts = `\n${text}`.split(`\n${old}`);
  if (old === '' || parts.length !== 2) throw new Error(`${path}: expected once, found ${parts.length - 1} times:\n${old}`);
  return parts.join(`\n${fresh}`).slice(1);
}
