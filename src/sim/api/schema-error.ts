/** What the schema checks of the engine's web framework refuse about a request. */

/** A request that one of the engine's schema checks refused; the message is complete. */
export class SchemaError extends Error {
  /** One entry per problem: where, as names and positions, and what. */
  readonly problems: readonly SchemaProblem[];

  constructor(message: string, problems: readonly SchemaProblem[]) {
    super(message);
    this.name = 'SchemaError';
    this.problems = problems;
  }
}

export interface SchemaProblem {
  readonly type: string;
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  /** As Python prints it. */
  readonly input: string;
  /** As Python prints it; '' for none. */
  readonly ctx: string;
}
