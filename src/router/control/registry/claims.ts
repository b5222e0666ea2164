/** Which sources want one worker registered, each with its own options. Pure. */
import type { Source } from './source.ts';
import type { WorkerOptions } from './worker-options.ts';

interface Claim {
  readonly source: Source;
  readonly options: WorkerOptions;
}

/**
 * The worker stays registered while at least one source claims it. Its options are those of the lasting source that claimed it first, or
 * else those of the one-time source that registered it.
 */
export class Claims {
  /** In the order of claiming. */
  #claims: readonly [Claim, ...Claim[]];

  constructor(source: Source, options: WorkerOptions) {
    this.#claims = [{ source, options }];
  }

  /** The lasting source whose worker it is; null: the control API may change and remove it. */
  get keeper(): Source | null {
    const { source } = this.#decisive;
    return source.isLasting ? source : null;
  }

  /** Whose options hold. */
  get decider(): Source {
    return this.#decisive.source;
  }

  /** The options that hold. */
  get options(): WorkerOptions {
    return this.#decisive.options;
  }

  has(source: Source): boolean {
    return this.#claims.some((claim) => claim.source === source);
  }

  isOnly(source: Source): boolean {
    return this.#claims.every((claim) => claim.source === source);
  }

  /** Claims the worker, or changes the options of a claim, which keeps its place in the order. */
  set(source: Source, options: WorkerOptions): void {
    const [first, ...rest] = this.#claims;
    const changed = (claim: Claim): Claim => (claim.source === source ? { source, options } : claim);
    const fresh = this.has(source) ? [] : [{ source, options }];
    this.#claims = [changed(first), ...rest.map(changed), ...fresh];
  }

  /** Drops a claim that is not the only one: the worker leaves with its last claim. */
  drop(source: Source): void {
    const [first, ...rest] = this.#claims.filter((claim) => claim.source !== source);
    if (first !== undefined) this.#claims = [first, ...rest];
  }

  get #decisive(): Claim {
    return this.#claims.find(({ source }) => source.isLasting) ?? this.#claims[0];
  }
}
