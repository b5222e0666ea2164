/**
 * The probe listener: a thread with an event loop of its own, which serves /readiness, /liveness and /health while the main event loop is
 * busy. It knows nothing but the reports that the main event loop posts.
 *
 *   workerData ThreadStart -->  listens  --> posts ThreadStarted
 *   ProbeReport (every REPORT_INTERVAL_MS, and at a shutdown) --> kept, with the time of its arrival
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { realClock } from '../../base/runtime/clock.ts';
import { answerProbe, type ProbeReport, STARTING } from './probe-answer.ts';

export interface ThreadStart {
  readonly host: string;
  readonly port: number;
}

/** The address in fact, or Node's code of why the port cannot be had. */
export type ThreadStarted =
  | { readonly kind: 'listening'; readonly address: ThreadStart }
  | { readonly kind: 'failed'; readonly code: string };

/** Probers are few; further connections wait. */
const MAX_CONNECTIONS = 64;
const REQUEST_LIMIT_MS = 5000;

function serve({ host, port }: ThreadStart, tell: (started: ThreadStarted) => void): (report: ProbeReport) => void {
  let report = STARTING;
  let reportedMs = realClock.nowMs();
  const server = createServer({ headersTimeout: REQUEST_LIMIT_MS, requestTimeout: REQUEST_LIMIT_MS }, (request, response) => {
    const { status, type, body } = answerProbe(request.method ?? '', request.url ?? '', report, realClock.nowMs() - reportedMs);
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.once('error', (error: NodeJS.ErrnoException) => tell({ kind: 'failed', code: error.code ?? error.message }));
  server.listen(port, host, () => {
    const address = server.address() as AddressInfo; // A TCP server that listens has one.
    tell({ kind: 'listening', address: { host: address.address, port: address.port } });
  });
  return (fresh) => {
    report = fresh;
    reportedMs = realClock.nowMs();
  };
}

if (parentPort !== null) {
  const main = parentPort;
  const keep = serve(workerData as ThreadStart, (started) => main.postMessage(started));
  main.on('message', keep);
}
