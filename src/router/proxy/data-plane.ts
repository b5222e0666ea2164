/** The data plane as one part: accepts connections, opens an exchange per request, and ends cleanly. */
import net from 'node:net';
import type { Clock } from '../../base/core/clock.ts';
import { ERRORS, type ErrorCode } from '../../base/core/errors.ts';
import type { AttemptListener, FleetCell } from '../../base/core/fleet.ts';
import { LinkedList } from '../../base/core/linked-list.ts';
import type { LoadTable } from '../../base/core/load.ts';
import type { LocalRoute } from '../../base/core/local-route.ts';
import type { Logger } from '../../base/core/logger.ts';
import type { Rng } from '../../base/core/rng.ts';
import type { WorkerType } from '../../base/core/worker.ts';
import type { EndOfTurn } from '../../base/runtime/end-of-turn.ts';
import type { TimerWheel } from '../../base/runtime/timer-wheel.ts';
import type { RequestHead } from '../../wire/http1/request-head.ts';
import type { PoolPolicy } from '../policy/contract.ts';
import type { RouterMetrics } from '../telemetry/metrics.ts';
import type { WorkerSeries } from '../telemetry/worker-series.ts';
import { ClientConnection } from './client/connection.ts';
import type { MakeSocketWriter } from './client/socket-writer.ts';
import { answerFrame, errorResponse, lastAnswerFrame } from './client/whole-answer.ts';
import type { ProxyContext } from './context.ts';
import { Selection } from './dispatch/selection.ts';
import { SeriesTable } from './dispatch/series-table.ts';
import { FanOutExchange } from './exchange/every.ts';
import { LocalExchange } from './exchange/local.ts';
import type { ServerExchange } from './exchange/server-exchange.ts';
import { Exchange } from './exchange/single.ts';
import { PairExchange } from './pairs/pair-exchange.ts';
import { Pairing, type PairSettings } from './pairs/pairing.ts';
import { BodyMemory } from './request/body-memory.ts';
import { RequestFieldRules } from './request/fields.ts';
import { RankBodies } from './request/rank-body.ts';
import { RequestReader } from './request/reader.ts';
import { isControlPath } from './routing/control-paths.ts';
import { findRequestId, RequestIds } from './routing/request-id.ts';
import { RequestRecord } from './routing/request-record.ts';
import { type Route, RouteTable } from './routing/routes.ts';
import type { ProxySettings } from './settings.ts';
import { type MakeUpstream, Upstreams } from './upstream/upstreams.ts';

/** Reads of clients: most requests are smaller, and of larger ones the rest is read into the memory of the body. */
const RECEIVE_BYTES = 16 * 1024;
/** Request bodies held by all exchanges together; beyond it bodies stream sooner. */
const BODY_MEMORY_BYTES = 256 * 1024 * 1024;

export interface DataPlaneDeps {
  readonly settings: ProxySettings;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly wheel: TimerWheel;
  readonly endOfTurn: EndOfTurn;
  readonly logger: Logger;
  readonly metrics: RouterMetrics;
  readonly fleet: FleetCell;
  readonly load: LoadTable;
  readonly attempts: AttemptListener;
  readonly policy: PoolPolicy;
  /** Workers are data-parallel ranks. False if absent. */
  readonly isDpAware?: boolean;
  /** Prefill and decode are divided; then `policy` is not used. */
  readonly pairs?: PairDeps;
  readonly makeUpstream: MakeUpstream;
  readonly makeSocketWriter: MakeSocketWriter;
  /** Routes that the router answers itself. */
  readonly locals: readonly LocalRoute[];
  /** One record per request, at its end. */
  readonly access: (record: RequestRecord, durationMs: number) => void;
}

export interface PairDeps {
  readonly prefillPolicy: PoolPolicy;
  readonly decodePolicy: PoolPolicy;
  readonly settings: PairSettings;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export class DataPlane implements ProxyContext {
  readonly settings: ProxySettings;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly endOfTurn: EndOfTurn;
  readonly logger: Logger;
  readonly metrics: RouterMetrics;
  readonly fleet: FleetCell;
  readonly load: LoadTable;
  readonly attempts: AttemptListener;
  readonly selection: Selection;
  readonly pairing: Pairing | null;
  readonly upstreams: Upstreams;
  readonly series: SeriesTable;
  readonly fieldRules: RequestFieldRules;
  readonly reader: RequestReader;
  readonly makeSocketWriter: MakeSocketWriter;
  readonly receive: Buffer;
  readonly memory: BodyMemory = new BodyMemory(BODY_MEMORY_BYTES);
  readonly ranks: RankBodies | null;
  turnMs: number;
  draining = false;
  readonly #access: (record: RequestRecord, durationMs: number) => void;
  #date = '';
  #dateSecond = -1;
  readonly #table: RouteTable;
  readonly #ids: RequestIds;
  readonly #server: net.Server;
  readonly #connections = new LinkedList<ClientConnection>();
  #onEmpty: (() => void) | null = null;

  constructor(deps: DataPlaneDeps) {
    this.settings = deps.settings;
    this.clock = deps.clock;
    this.wheel = deps.wheel;
    this.endOfTurn = deps.endOfTurn;
    this.logger = deps.logger;
    this.metrics = deps.metrics;
    this.fleet = deps.fleet;
    this.load = deps.load;
    this.attempts = deps.attempts;
    this.makeSocketWriter = deps.makeSocketWriter;
    this.receive = Buffer.allocUnsafeSlow(RECEIVE_BYTES);
    const { pairs } = deps;
    if (pairs === undefined) {
      this.pairing = null;
      this.selection = select(deps, deps.policy, 'regular');
    } else {
      this.selection = select(deps, pairs.prefillPolicy, 'prefill');
      const decode = select(deps, pairs.decodePolicy, 'decode');
      this.pairing = new Pairing(this, pairs.settings, this.selection, decode, deps.metrics.pairs(), deps.rng);
    }
    this.upstreams = new Upstreams(deps.makeUpstream);
    this.series = new SeriesTable(deps.metrics);
    this.fieldRules = new RequestFieldRules(deps.settings.forwardHeaders, deps.isDpAware, pairs !== undefined);
    // The bodies of pairs are made elsewhere.
    this.ranks = deps.isDpAware === true && pairs === undefined ? new RankBodies(this.memory) : null;
    this.reader = new RequestReader(pairs === undefined && deps.policy.policy.needs.prompt === true, this.ranks?.record ?? null);
    this.#access = deps.access;
    this.#ids = new RequestIds(deps.rng);
    this.turnMs = deps.clock.nowMs();
    this.#table = new RouteTable(deps.locals, (method, path) => deps.metrics.httpRoute(method, path));
    // Order matters: a worker has its series and its pool before anything can choose it.
    this.fleet.subscribe(this.series);
    this.fleet.subscribe(this.upstreams);
    this.fleet.subscribe(this.selection);
    if (this.pairing !== null) {
      this.fleet.subscribe(this.pairing);
      this.fleet.subscribe(this.pairing.decode);
    }
    this.#server = net.createServer({ noDelay: true, allowHalfOpen: true, pauseOnConnect: true }, (socket) => this.#accept(socket));
  }

  /** Resolves when connections are accepted; rejects with Node's error (EADDRINUSE, EACCES, ENOTFOUND ...). */
  listen(host: string, port: number): Promise<Address> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port, backlog: 4096 }, () => {
        this.#server.off('error', reject);
        this.#server.on('error', (err) => this.logger.error({ err }, 'the listening socket failed'));
        const address = this.#server.address() as net.AddressInfo;
        resolve({ host: address.address, port: address.port });
      });
    });
  }

  get connections(): number {
    return this.#connections.size;
  }

  /**
   * Accepts nothing any more, lets what is under way come to its end, at most `graceMs`, and closes the rest.
   * Resolves with the number of connections that had to be cut.
   */
  async close(graceMs: number): Promise<number> {
    this.draining = true;
    this.#server.close();
    for (const connection of this.#connections.list()) connection.drain();
    if (this.#connections.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.clock.after(graceMs, resolve);
        this.#onEmpty = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    const cut = this.#connections.list();
    for (const connection of cut) connection.destroy();
    await this.pairing?.stop(this.clock);
    this.upstreams.drain();
    return cut.length;
  }

  /** Cuts the wait of `close` short: a second signal. */
  hurry(): void {
    this.#onEmpty?.();
  }

  open(connection: ClientConnection, head: RequestHead): ServerExchange | null {
    const found = this.#table.find(head.method, head.path);
    if (found !== null && 'allow' in found) {
      const message = `${head.method} is not served at ${head.path}: expected ${found.allow}`;
      return this.#reject(connection, head, this.#table.other, 'unsupported_method', message, { allow: found.allow });
    }
    const route = found ?? this.#catchAll(head);
    if (route === null) {
      const closed = isControlPath(head.path)
        ? `${head.path} changes an engine and is not reachable through the router: ask the worker itself`
        : `no route ${head.path}`;
      return this.#reject(connection, head, this.#table.other, 'not_found', closed);
    }
    if (head.contentLength > this.settings.maxPayloadBytes) {
      const message = `the request body has ${head.contentLength} bytes: at most ${this.settings.maxPayloadBytes} are taken`;
      return this.#reject(connection, head, route, 'payload_too_large', message);
    }
    if (route.json) {
      const type = head.find('content-type');
      if (type !== undefined && !isJson(type)) {
        return this.#reject(
          connection,
          head,
          route,
          'unsupported_media_type',
          `the content-type is not application/json; this route takes JSON only`,
        );
      }
    }
    if (this.pairing !== null && route.paired === 'refused') {
      const message = `${head.path} is not served while prefill and decode are divided: ask a router of regular workers`;
      return this.#reject(connection, head, route, 'not_implemented', message);
    }
    const record = this.#record(head, route);
    if (this.pairing !== null && route.paired === 'pair' && route.prompt !== null) {
      return new PairExchange(this, this.pairing, connection, record, route.prompt);
    }
    if (route.kind === 'local' && route.local !== null) return new LocalExchange(this, connection, record, route.local);
    if (route.kind === 'every') return new FanOutExchange(this, connection, record);
    return new Exchange(this, connection, record);
  }

  touch(): void {
    this.turnMs = this.clock.nowMs();
  }

  get date(): string {
    const second = Math.floor(this.clock.wallMs() / 1000);
    if (second !== this.#dateSecond) {
      this.#dateSecond = second;
      this.#date = new Date(second * 1000).toUTCString();
    }
    return this.#date;
  }

  refused(code: ErrorCode): void {
    const { other } = this.#table;
    other.series.requests.value++;
    this.metrics.response(ERRORS[code].status, code).value++;
  }

  settled(record: RequestRecord, series: WorkerSeries | undefined, events: number): void {
    const durationMs = this.turnMs - record.startMs;
    const { route, errorCode } = record;
    if (record.status === 0 && errorCode !== '') record.status = ERRORS[errorCode as ErrorCode].status;
    route.series.duration.observe(durationMs / 1000);
    this.metrics.response(record.status, errorCode).value++;
    if (route.kind === 'policy') {
      const endpoint = series === undefined ? this.metrics.endpoint('unknown', route.endpoint) : series.endpoint(route.endpoint);
      if (events > 0) {
        endpoint.requestsStreaming.value++;
        endpoint.ttft.observe(record.ttftMs / 1000);
        if (record.outcome === 'ok') {
          endpoint.generation.observe(durationMs / 1000);
          if (events > 1) endpoint.tpot.observe((durationMs - record.ttftMs) / 1000 / (events - 1));
        }
      } else endpoint.requestsPlain.value++;
      if (errorCode !== '') endpoint.error(errorCode).value++;
      else if (record.outcome === 'ok') endpoint.duration.observe(durationMs / 1000);
    }
    this.#access(record, durationMs);
  }

  closed(connection: ClientConnection): void {
    if (!this.#connections.delete(connection)) return;
    this.metrics.connectionsActive.value = this.#connections.size;
    if (this.#connections.size === 0) this.#onEmpty?.();
  }

  #accept(socket: net.Socket): void {
    if (this.#connections.size >= this.settings.maxConnections) {
      this.refused('too_many_connections');
      socket.on('error', () => {});
      socket.resume();
      const message = `the router has ${this.settings.maxConnections} connections, as many as it takes`;
      socket.end(errorResponse('too_many_connections', message, lastAnswerFrame(this.date), { 'retry-after': '1' }));
      socket.destroySoon();
      return;
    }
    this.#connections.add(new ClientConnection(socket, this));
    this.metrics.connectionsActive.value = this.#connections.size;
  }

  #catchAll(head: RequestHead): Route | null {
    const open = this.settings.transparentProxy && !isControlPath(head.path) && !/^\/metrics\/*$/.test(head.path) && head.target !== '*';
    return open ? this.#table.other : null;
  }

  #record(head: RequestHead, route: Route): RequestRecord {
    route.series.requests.value++;
    const id = findRequestId(head, this.settings.requestIdHeaders) ?? this.#ids.next(route.idPrefix);
    return new RequestRecord(id, head, route, this.turnMs);
  }

  #reject(
    connection: ClientConnection,
    head: RequestHead,
    route: Route,
    code: ErrorCode,
    message: string,
    extra: Readonly<Record<string, string>> = {},
  ): null {
    const record = this.#record(head, route);
    const persist = connection.persists(head);
    const answer = errorResponse(code, message, answerFrame(record, persist, this.date), extra);
    record.errorCode = code;
    record.outcome = 'refused';
    record.bytesOut = answer.length;
    connection.write(answer);
    this.settled(record, undefined, 0);
    connection.finish(persist);
    return null;
  }
}

/** A policy at work on the workers of one type. */
function select({ load, rng, metrics }: DataPlaneDeps, policy: PoolPolicy, type: WorkerType): Selection {
  const decisions = new Map<string, { value: number }>();
  return new Selection(policy, type, load, rng, (because) => {
    let counter = decisions.get(because);
    if (counter === undefined) {
      counter = metrics.policyDecision(policy.policy.name, because);
      decisions.set(because, counter);
    }
    return counter;
  });
}

/** application/json and its +json relatives, with any parameters. */
function isJson(contentType: string): boolean {
  // What nearly every client sends.
  if (contentType === 'application/json') return true;
  const type = contentType.split(';', 1)[0]!.trim().toLowerCase();
  return type === '' || type === 'application/json' || (type.startsWith('application/') && type.endsWith('+json'));
}
