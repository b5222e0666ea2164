/** A request that the engine rejects, before a route gives the error its shape. */

export class EngineError extends Error {
  readonly status: number;

  constructor(message: string, status = 400) {
    super(message);
    this.name = 'EngineError';
    this.status = status;
  }
}
