/** Paths that an operator names beyond the table of routes: they go to a worker as they are. */
import { isControlPath } from './control-paths.ts';

export class ForwardedPaths {
  readonly #exact: ReadonlySet<string>;
  /** Each ends with `/`. */
  readonly #prefixes: readonly string[];

  /** Of each: a path, or with `/*` at its end everything below. */
  constructor(patterns: readonly string[]) {
    this.#exact = new Set(patterns.filter((pattern) => !pattern.endsWith('/*')));
    this.#prefixes = patterns.filter((pattern) => pattern.endsWith('/*')).map((pattern) => pattern.slice(0, -1));
  }

  /** A path that changes an engine must be named itself; the metrics of one worker are never those of the fleet. */
  has(path: string): boolean {
    if (this.#exact.has(path)) return true;
    return this.#prefixes.some((prefix) => path.startsWith(prefix)) && !isControlPath(path) && !/^\/metrics\/*$/.test(path);
  }
}
