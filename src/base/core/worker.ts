/** One engine endpoint as the rest of the router sees it: configuration and discovered facts, no live state. */

/** Index of a worker in every per-worker array; stable for the life of the worker. */
export type WorkerIndex = number;

/** "No worker": the choice of a policy if no worker may be chosen. */
export const NONE: WorkerIndex = -1;

export type WorkerType = 'regular' | 'prefill' | 'decode';
export const WORKER_TYPES: readonly WorkerType[] = ['regular', 'prefill', 'decode'];

/** A data-parallel rank of an engine: it has a queue and a KV cache of its own, so it is a worker of its own. */
export interface WorkerRank {
  /** 0 .. size-1. */
  readonly number: number;
  /** Ranks of the engine, 1 or more. */
  readonly size: number;
  /** What all of them are reached at. */
  readonly engineUrl: string;
}

/** How requests reach a worker. Found at registration; the data plane chooses the upstream by it. */
export type Protocol = string;

/** What every SGLang engine speaks. */
export const HTTP1: Protocol = 'http/1.1';

export interface Worker {
  readonly index: WorkerIndex;
  /** UUID, reserved when the worker was first named. */
  readonly id: string;
  /** `scheme://authority` with an optional base path, no trailing slash; canonical (`WorkerAddress.url`). Of a rank with `@0` behind it. */
  readonly url: string;
  readonly scheme: 'http' | 'https';
  /** Name or address to connect to; an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
  /** Value of the Host field, IPv6 in brackets. */
  readonly authority: string;
  /** Path in front of every target, '' or '/base' (no trailing slash). */
  readonly basePath: string;
  readonly type: WorkerType;
  readonly protocol: Protocol;
  /** Sent to the worker as `Authorization: Bearer`; null: the client's own header passes. */
  readonly apiKey: string | null;
  /** What the worker serves; 'unknown' until it said so (or if it never does). */
  readonly modelId: string;
  readonly priority: number;
  readonly cost: number;
  readonly bootstrapPort: number | null;
  /** Null: the engine places requests on its ranks itself. */
  readonly rank: WorkerRank | null;
  /** Requests that it runs at the same time, as it reports; null: not known. */
  readonly maxRunningRequests: number | null;
  /** Size of its KV cache, as it reports; null: not known. */
  readonly kvTokens: number | null;
  readonly labels: Readonly<Record<string, string>>;
}
