/** The listener of --prometheus-host and --prometheus-port: any path answers with the metrics. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jsonResponse, type LocalRoute } from '../../base/core/local-route.ts';
import type { Logger } from '../../base/core/logger.ts';

/** What the listener needs of RouterMetrics. */
export interface Exposition {
  readonly contentType: string;
  /** The page, in the order of its lines. Each slice is made when the consumer asks for it. */
  slices(): AsyncIterable<string>;
}

export interface MetricsServerOptions {
  /** Name or address; IPv6 with or without brackets. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** True if host or port was set explicitly: then failing to bind it is an error. */
  readonly explicit: boolean;
  readonly metrics: Exposition;
  readonly logger: Logger;
}

export interface MetricsServer {
  readonly host: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** A metrics port that was set explicitly cannot be bound. `message` names it and the reason. */
export class MetricsPortError extends Error {
  constructor({ host, port }: { readonly host: string; readonly port: number }, options: { readonly cause: unknown }) {
    const why = (options.cause as NodeJS.ErrnoException).code ?? String(options.cause);
    super(`--prometheus-host ${host} --prometheus-port ${port}: cannot listen (${why}); choose another or free it`, options);
    this.name = 'MetricsPortError';
  }
}

/** Scrapers are few; further connections wait. */
const MAX_CONNECTIONS = 64;
const HEAD_LIMIT_MS = 5000;

/** Listens. If it cannot bind the address, it throws MetricsPortError when `explicit`, else it logs a warning and returns null. */
export async function startMetricsServer(options: MetricsServerOptions): Promise<MetricsServer | null> {
  const { port, explicit, logger } = options;
  const host = options.host.replace(/^\[(.*)\]$/, '$1');
  const server = createServer({ headersTimeout: HEAD_LIMIT_MS, requestTimeout: HEAD_LIMIT_MS }, (request, response) => {
    answer(request, response, options.metrics).catch((error: unknown) => {
      logger.error({ err: error }, 'metrics cannot be written');
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end();
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  try {
    await listen(server, host, port);
  } catch (error) {
    if (explicit) throw new MetricsPortError({ host, port }, { cause: error });
    logger.warn({ host, port, code: (error as NodeJS.ErrnoException).code }, 'metrics port cannot be listened on, going on without it');
    return null;
  }
  const address = server.address() as AddressInfo;
  return { host: address.address, port: address.port, stop: () => stop(server) };
}

/** The same page on the main port, at `path`. */
export function metricsRoute(path: string, metrics: Exposition): LocalRoute {
  return {
    method: 'GET',
    path,
    access: 'control',
    handle: () => ({ status: 200, headers: { 'content-type': metrics.contentType }, slices: metrics.slices() }),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, metrics: Exposition): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    const { body } = jsonResponse(405, { error: 'only GET and HEAD' });
    response.writeHead(405, { allow: 'GET, HEAD', 'content-type': 'application/json' }).end(body);
    return;
  }
  response.statusCode = 200;
  response.setHeader('content-type', metrics.contentType);
  if (request.method === 'GET') {
    for await (const slice of metrics.slices()) {
      if (!response.write(slice)) await drained(response);
      if (response.destroyed) return;
    }
  }
  response.end();
}

/** Resolves when the scraper has read what was written, or has closed the connection. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
    if (response.destroyed) done();
  });
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // An error here means that it was not listening any more.
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
