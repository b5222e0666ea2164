/** What a route's handler gets. */
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
  /** Told of the job that a generating route starts, before it starts; scripted faults hang on it. */
  readonly prepareJob: (job: Job) => void;
}

export type RouteHandler = (call: Call) => void;

/** Handlers by method; the order of the methods is that of the `allow` field. */
export type Methods = Readonly<Record<string, RouteHandler>>;

/** What the HTTP server asks where a request belongs. */
export interface RouteTable {
  /** The methods of a path, or null when there is no such path. */
  find(path: string): Methods | null;
}
