/** What is wrong with a recipe or a cluster file, and how it is told. */

export interface Problem {
  /** File as it was named, or the option, `--set backend.type=sim`. */
  readonly file: string;
  /** From 1; 0: the file as a whole. */
  readonly line: number;
  readonly column: number;
  /** Dotted, `backend.sglang_config.prefill.tp-size`; empty: the whole document. */
  readonly path: string;
  /** What is wrong, with the value, and what was expected. */
  readonly message: string;
  /** What to do, or null. */
  readonly suggestion: string | null;
}

/** `recipe.yaml:3:5: model.path: expected text, got 5 (did you mean "5"?)`, without a newline. */
export function formatProblem({ file, line, column, path, message, suggestion }: Problem): string {
  const place = line === 0 ? file : `${file}:${line}:${column}`;
  return `${place}: ${path === '' ? '' : `${path}: `}${message}${suggestion === null ? '' : ` (${suggestion})`}`;
}

/** In the order of places, each once. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const unique = new Map(problems.map((problem) => [formatProblem(problem), problem]));
  return [...unique.values()].sort((a, b) => compare(a.file, b.file) || a.line - b.line || a.column - b.column);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
