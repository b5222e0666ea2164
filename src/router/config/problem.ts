/** What is wrong with a configuration, and how it is told. */

export interface Problem {
  /** The flag, also when the value came from elsewhere; or the word, variable or key that is not known. */
  readonly flag: string;
  /** The value as text, or null if there is none to show. */
  readonly value: string | null;
  /** Completes the sentence "expected ...". */
  readonly expected: string;
  /** `command line`, `environment variable NAME`, `FILE:LINE:COLUMN`. */
  readonly source: string;
}

const SHOWN_CHARACTERS = 120;

/** The value as a problem shows it: short, on one line, user names and passwords of URLs left out. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  const clean = text.replace(/\/\/[^/@\s]*@/g, '//***@').replace(/\p{Cc}/gu, (control) => JSON.stringify(control).slice(1, -1));
  return clean.length > SHOWN_CHARACTERS ? `${clean.slice(0, SHOWN_CHARACTERS)}...` : clean;
}

/** For stderr, ending in a newline. */
export function formatProblems(problems: readonly Problem[]): string {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  const lines = problems.map(({ flag, value, expected, source }) => {
    return `  ${flag}${value === null ? '' : ` "${value}"`} (${source}): expected ${expected}`;
  });
  return `router: ${count} with the configuration\n${lines.join('\n')}\nSee --help.\n`;
}
