/** What is wrong with a recipe or a cluster file, and how it is told. */

export interface Problem {
  /** File as it was named, `--set`, `--unset`. */
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
