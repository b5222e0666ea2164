/** What a recipe is resolved against besides its own text. */
import type { Cluster } from './cluster.ts';
import type { Variables } from './expand-host.ts';

export interface ResolveContext {
  readonly cluster: Cluster;
  /** Environment of srtctl, for `$NAME` in host paths. */
  readonly variables: Variables;
  /** Directory of the recipe's file, absolute or relative to the working directory; null: it has none. */
  readonly recipeDirectory: string | null;
  /** Whether a directory of this host exists; null: not checked. */
  readonly directoryExists: PathCheck | null;
  /** Whether a file of this host exists; null: not checked. */
  readonly fileExists: PathCheck | null;
}

export type PathCheck = (path: string) => boolean;
