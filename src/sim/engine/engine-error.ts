/** What the engine itself refuses about a request, before it takes the shape of a route. */

export class EngineError extends Error {
  readonly status: number;

  constructor(message: string, status = 400) {
    super(message);
    this.name = 'EngineError';
    this.status = status;
  }
}
