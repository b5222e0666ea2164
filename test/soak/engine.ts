/**
 * An engine of the soak: answers as the plan in the body says (plan.ts). It is built on node:http, so that no code of the router reads
 * or writes on its side. It can be killed, drained and made to stand still, and it starts again on its port.
 */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Role } from '../faults/engines.ts';
import { gate } from '../support/until.ts';
import { DONE_EVENT, eventOf, type FaultName, type Plan, wholeBody } from './plan.ts';

const KEEP_ALIVE_MS = 5000; // As SGLang's.
const NUMBER_FIELD = 'x-soak-engine';

export class SoakEngine {
  readonly number: number;
  readonly role: Role;
  /** When it was killed, by performance.now(). */
  readonly killedAtMs: number[] = [];
  /** Requests that it got, by fault that struck. */
  readonly struck = new Map<FaultName, number>();
  #server: http.Server | null = null;
  #port = 0;
  #isDraining = false;
  /** Resolves when it does not stand still. */
  #moves: Promise<void> = Promise.resolve();

  constructor(number: number, role: Role) {
    this.number = number;
    this.role = role;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get isUp(): boolean {
    return this.#server !== null;
  }

  async listen(): Promise<void> {
    this.#isDraining = false;
    const server = http.createServer((request, response) => void this.#serve(request, response).catch(() => response.destroy()));
    server.keepAliveTimeout = KEEP_ALIVE_MS;
    server.on('clientError', (_, socket) => socket.destroy());
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port; // A TCP server's address has a port.
    this.#server = server;
  }

  /** As SIGKILL: the port is closed and every connection ends. */
  async kill(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    this.killedAtMs.push(performance.now());
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  /** As SIGTERM: not ready, requests are still served, and it ends when none is left. */
  async drain(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#isDraining = true;
    await pause(1000);
    const closed = once(server, 'close');
    this.#server = null;
    server.close();
    const timer = setInterval(() => server.closeIdleConnections(), 50);
    await closed;
    clearInterval(timer);
  }

  /** Another port from now on. Only while it is down. */
  moveOn(): void {
    this.#port = 0;
  }

  /** As SIGSTOP for this time: connections are accepted, nothing moves. */
  async standStill(ms: number): Promise<void> {
    const over = gate();
    this.#moves = over.promise;
    await pause(ms);
    over.open();
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    await this.#moves;
    if (request.method === 'GET') return probe(request.url ?? '', this.#isDraining, response);
    if (request.url === '/abort_request') return void response.writeHead(200).end();
    const { soak: plan } = JSON.parse(Buffer.concat(pieces).toString()) as { soak: Plan };
    const fault = this.#faultOf(plan);
    await pause(plan.delayMs);
    if (await strikeEarly(fault, response)) return;
    response.setHeader(NUMBER_FIELD, String(this.number));
    if (this.role === 'prefill') await this.#answer({ ...plan, parts: 1 }, null, response);
    else await this.#answer(plan, fault, response);
  }

  #faultOf({ fault }: Plan): FaultName | null {
    if (fault === null || (fault.at !== 'all' && fault.at !== this.number)) return null;
    this.struck.set(fault.name, (this.struck.get(fault.name) ?? 0) + 1);
    return fault.name;
  }

  async #answer(plan: Plan, fault: FaultName | null, response: http.ServerResponse): Promise<void> {
    if (!plan.isStream) {
      const body = wholeBody(plan);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
      if (fault === null) return void response.end(body);
      response.write(body.slice(0, body.length / 2));
      return strikeLate(fault, response);
    }
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    response.flushHeaders();
    const strikesAt = fault === null ? -1 : plan.parts >> 1;
    for (let number = 0; number < plan.parts; number++) {
      if (response.destroyed) return;
      if (number === strikesAt && fault !== null) return strikeLate(fault, response);
      response.write(eventOf(plan, number));
      if (plan.gapMs > 0) await pause(plan.gapMs);
      await this.#moves;
    }
    response.end(DONE_EVENT);
  }
}

function probe(path: string, isDraining: boolean, response: http.ServerResponse): void {
  const isKnown = path === '/ready' || path === '/health';
  response.writeHead(isKnown ? (isDraining ? 503 : 200) : 404).end();
}

/** True: the request met its end. */
async function strikeEarly(fault: FaultName | null, response: http.ServerResponse): Promise<boolean> {
  switch (fault) {
    case 'reset':
      response.socket?.resetAndDestroy();
      return true;
    case 'close':
      response.socket?.destroy();
      return true;
    case 'garbage':
      response.socket?.end('HTTQ/1.1 200 OK\r\n\r\n');
      return true;
    case 'hang':
      await once(response, 'close');
      return true;
    case '429':
    case '500':
    case '502':
    case '503':
    case '504':
      response.writeHead(Number(fault), { 'content-type': 'application/json', 'retry-after': '1' }).end('{"error":{"message":"planned"}}');
      return true;
    default:
      return false;
  }
}

async function strikeLate(fault: FaultName, response: http.ServerResponse): Promise<void> {
  // The part that was written leaves before the connection ends.
  await pause(20);
  const { socket } = response;
  if (socket === null) return;
  if (fault === 'silence') await once(response, 'close');
  else if (fault === 'late reset') socket.resetAndDestroy();
  else if (fault === 'bad chunk') socket.write('no size\r\n');
  else socket.destroy();
}
