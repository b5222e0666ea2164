/**
 * Requests of the control plane to workers; the only file that knows the HTTP client (undici). Each `open` makes a new connection, so
 * a passed probe proves that new connections work. Redirects and proxies from the environment are ignored.
 */
import type { SecureContext } from 'node:tls';
import { buildConnector, Client, type Dispatcher } from 'undici';
import type { Clock } from '../../../base/core/clock.ts';
import type { Worker } from '../../../base/core/worker.ts';

/** Longest wait for a connection. Short, so that a lost SYN does not hide a machine that is back. */
const CONNECT_TIMEOUT_MS = 1000;

export type CallFailure =
  | 'no-connection' // refused, no route, no such name, TLS refused
  | 'broken' // the connection timed out or broke, or what came is not HTTP
  | 'slow' // connected, no whole answer in time
  | 'too-large'
  | 'inconclusive' // this machine has no descriptors, ports or memory left
  | 'aborted'; // by the caller's signal

export type CallResult =
  | { readonly ok: true; readonly status: number; readonly body: Buffer }
  /** `detail`: a code for the log, such as ECONNREFUSED. */
  | { readonly ok: false; readonly failure: CallFailure; readonly detail: string };

interface CallLimits {
  readonly timeoutMs: number;
  /** 0: the body is ignored, and the call does not wait for it. */
  readonly bodyBytes: number;
}

/** One connection to one worker; `close` ends it and the call that runs on it. Calls never reject. One at a time. */
export interface WorkerCalls {
  /** GET of a path below the worker's base path. */
  get(path: string, limits: CallLimits): Promise<CallResult>;
  /** POST without a body. */
  post(path: string, limits: CallLimits): Promise<CallResult>;
  close(): Promise<void>;
}

export interface WorkerClient {
  /** `authorization`: sent if the worker has no API key. */
  open(worker: Worker, signal: AbortSignal, authorization?: string | null): WorkerCalls;
}

/** `tls`: for workers with https URLs; its context may change at any time. */
export function createWorkerClient(clock: Clock, tls: CallTls = {}): WorkerClient {
  let context = tls.context;
  // Shared, because it keeps the TLS sessions.
  let connector = connectorFor(context);
  return {
    open: (worker, signal, authorization = null) => {
      if (tls.context !== context) {
        context = tls.context;
        connector = connectorFor(context);
      }
      return new Connection(clock, connector, worker, signal, authorization);
    },
  };
}

/** Certificates for calls; those that Node knows if `context` is undefined. */
export interface CallTls {
  readonly context?: SecureContext | undefined;
}

function connectorFor(context: SecureContext | undefined): buildConnector.connector {
  return buildConnector({ timeout: CONNECT_TIMEOUT_MS, ...(context === undefined ? {} : { secureContext: context }) });
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
      // Drains a small body, so that the connection can take one more request; `close` ends a large or slow one.
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
/** No connection, for a reason that may be temporary. */
const CONNECT_TROUBLE: ReadonlySet<string> = new Set(['UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT', 'ECONNRESET', 'EAI_AGAIN']);

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'unknown';
}

/** An error of a body that is ignored is ignored. */
function ignore(): void {}
