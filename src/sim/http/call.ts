/** What the handler of a route receives. */
import type { Engine } from '../engine/engine.ts';
import type { Job } from '../engine/job.ts';
import type { Answer } from './answer.ts';

export interface Call {
  readonly engine: Engine;
  readonly answer: Answer;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly contentType: string | undefined;
  readonly body: Buffer;
  /** Called with the job of a route that generates before it starts, to attach scripted faults. */
  readonly prepareJob: (job: Job) => void;
}

export type RouteHandler = (call: Call) => void;

/** Handlers by method; the order of the methods is that of the `allow` field. */
export type Methods = Readonly<Record<string, RouteHandler>>;

/** Maps paths to handlers for the HTTP server. */
export interface RouteTable {
  /** The methods of a path, or null when there is no such path. */
  find(path: string): Methods | null;
}
