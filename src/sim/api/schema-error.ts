/** A request that the schema of the engine's web framework rejects. */

/** The message is complete. */
export class SchemaError extends Error {
  /** One entry per problem: its place, as names and indices, and its description. */
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
