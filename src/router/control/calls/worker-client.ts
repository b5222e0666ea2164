/**
 * The control plane's requests to workers, and the one place that knows its HTTP client (undici). Every call has a connection
 * of its own, so that a passed probe proves that a new connection works; environment proxies and redirects are not followed.
 */
import { buildConnector, Client, type Dispatcher } from 'undici';
import type { Clock } from '../../../base/core/clock.ts';
import type { Worker } from '../../../base/core/worker.ts';

/** Longest wait for a connection. Short: a machine that comes back must not be missed while a lost SYN is waited for. */
const CONNECT_TIMEOUT_MS = 1000;

export type CallFailure =
  | 'no-connection' // refused, no route, no such name, TLS refused
  | 'broken' // the connection timed out or broke, or what came is not HTTP
  | 'slow' // connected, no whole answer in time
  | 'too-large'
  | 'inconclusive' // this machine lacks something: descriptors, ports, memory
  | 'aborted'; // by the caller's signal

export type CallResult =
  | { readonly ok: true; readonly status: number; readonly body: Buffer }
  /** `detail`: a code for the log, such as ECONNREFUSED. */
  | { readonly ok: false; readonly failure: CallFailure; readonly detail: string };

interface CallLimits {
  readonly timeoutMs: number;
  /** 0: the body is not wanted and not waited for. */
  readonly bodyBytes: number;
}

/** One connection to one worker; `close` ends it and whatever runs on it. Calls never reject. One at a time. */
export interface WorkerCalls {
  /** GET of a path below the worker's base path. */
  get(path: string, limits: CallLimits): Promise<CallResult>;
  /** POST without a body. */
  post(path: string, limits: CallLimits): Promise<CallResult>;
  close(): Promise<void>;
}

export interface WorkerClient {
  /** `authorization`: sent to a worker that has no key of its own. */
  open(worker: Worker, signal: AbortSignal, authorization?: string | null): WorkerCalls;
}

export function createWorkerClient(clock: Clock): WorkerClient {
  // Shared, because it keeps the TLS sessions.
  const connector = buildConnector({ timeout: CONNECT_TIMEOUT_MS });
  return { open: (worker, signal, authorization = null) => new Connection(clock, connector, worker, signal, authorization) };
}

class Connection implements WorkerCalls {
  readonly #clock: Clock;
  readonly #worker: Worker;
  readonly #signal: AbortSignal;
  readonly #headers: Record<string, string>;
  readonly #client: Client;
  #isConnected = false;
  #isLate = false;

  constructor(clock: Clock, connect: buildConnector.connector, worker: Worker, signal: AbortSignal, authorization: string | null) {
    this.#clock = clock;
    this.#worker = worker;
    this.#signal = signal;
    const credentials = worker.apiKey === null ? authorization : `Bearer ${worker.apiKey}`;
    this.#headers = { accept: '*/*', ...(credentials === null ? {} : { authorization: credentials }) };
    const host = worker.host.includes(':') ? `[${worker.host}]` : worker.host;
    this.#client = new Client(`${worker.scheme}://${host}:${worker.port}`, { connect, headersTimeout: 0, bodyTimeout: 0 });
    this.#client.on('connect', () => {
      this.#isConnected = true;
    });
    signal.addEventListener('abort', this.#onAbort);
    if (signal.aborted) this.#onAbort();
  }

  get(path: string, limits: CallLimits): Promise<CallResult> {
    return this.#call('GET', path, limits);
  }

  post(path: string, limits: CallLimits): Promise<CallResult> {
    return this.#call('POST', path, limits);
  }

  async #call(method: 'GET' | 'POST', path: string, limits: CallLimits): Promise<CallResult> {
    const timer = this.#clock.after(limits.timeoutMs, () => {
      this.#isLate = true;
      void this.#client.destroy();
    });
    try {
      const { statusCode, body } = await this.#client.request({
        method,
        path: `${this.#worker.basePath}${path}`,
        headers: this.#headers,
      });
      return await this.#read(statusCode, body, limits.bodyBytes);
    } catch (error) {
      return { ok: false, failure: this.#classify(error), detail: codeOf(error) };
    } finally {
      timer.cancel();
    }
  }

  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#onAbort);
    await this.#client.destroy();
  }

  async #read(status: number, body: Dispatcher.ResponseData['body'], limit: number): Promise<CallResult> {
    if (limit === 0) {
      // A small body is drained, so that the connection can take one more request; a large or slow one is given up with it.
      body.on('error', ignore);
      body.resume();
      return { ok: true, status, body: Buffer.alloc(0) };
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > limit) return { ok: false, failure: 'too-large', detail: `more than ${limit} bytes` };
      chunks.push(chunk);
    }
    return { ok: true, status, body: Buffer.concat(chunks) };
  }

  readonly #onAbort = (): void => {
    void this.#client.destroy();
  };

  #classify(error: unknown): CallFailure {
    if (this.#signal.aborted) return 'aborted';
    const code = codeOf(error);
    if (LOCAL_TROUBLE.has(code)) return 'inconclusive';
    if (this.#isConnected) return this.#isLate ? 'slow' : 'broken';
    return this.#isLate || CONNECT_TROUBLE.has(code) ? 'broken' : 'no-connection';
  }
}

const LOCAL_TROUBLE: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']);
/** No connection, for a reason that may pass by itself. */
const CONNECT_TROUBLE: ReadonlySet<string> = new Set(['UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT', 'ECONNRESET', 'EAI_AGAIN']);

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'unknown';
}

/** The end of a body that nobody waits for is no news. */
function ignore(): void {}
