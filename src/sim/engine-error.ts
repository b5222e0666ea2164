/** Complaints of the engine about a request, before they take the shape of a route. */

/** `bad-request`: the engine's own check (its message goes into the shape of the route). */
export class EngineError extends Error {
  readonly status: number;

  constructor(message: string, status = 400) {
    super(message);
    this.name = 'EngineError';
    this.status = status;
  }
}

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

/** Body of an answer to a request that the scheduler gave up. */
export function failureText(message: string, status: number): string {
  if (status === 400) return JSON.stringify({ error: { message } });
  return JSON.stringify({ object: 'error', message, type: String(status), param: null, code: status });
}
