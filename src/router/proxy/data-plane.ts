/** The data plane as one part: from the listening socket through routes and gate to exchanges and workers. Built from top to bottom. */
import type { Clock } from '../../base/core/clock.ts';
import type { ErrorCode } from '../../base/core/errors.ts';
import type { AttemptListener, FleetCell } from '../../base/core/fleet.ts';
import type { LoadTable } from '../../base/core/load.ts';
import type { LocalRoute } from '../../base/core/local-route.ts';
import type { Logger } from '../../base/core/logger.ts';
import type { Rng } from '../../base/core/rng.ts';
import type { WorkerIndex, WorkerType } from '../../base/core/worker.ts';
import type { EndOfTurn } from '../../base/runtime/end-of-turn.ts';
import type { TimerWheel } from '../../base/runtime/timer-wheel.ts';
import type { RequestHead } from '../../wire/http1/request-head.ts';
import type { PoolPolicy } from '../policy/contract.ts';
import type { HttpSeries, RouterMetrics } from '../telemetry/metrics.ts';
import { Accounts, type WriteRecord } from './answer/accounts.ts';
import type { ClientConnection } from './client/connection.ts';
import { Cors } from './client/cors.ts';
import { type Address, ClientListener, type RequestServer } from './client/listener.ts';
import { type MakeServer, plainServer } from './client/make-server.ts';
import type { ServedRequest } from './client/served-request.ts';
import type { MakeSocketWriter } from './client/socket-writer.ts';
import type { Dispatch } from './dispatch/dispatch.ts';
import { RetryBudget } from './dispatch/retry-budget.ts';
import { RetryCounts } from './dispatch/retry-counts.ts';
import { Selection } from './dispatch/selection.ts';
import { SeriesTable } from './dispatch/series-table.ts';
import { ClientSide } from './exchange/client-side.ts';
import { EveryExchange } from './exchange/every.ts';
import { LocalExchange } from './exchange/local.ts';
import { SingleExchange, type SingleParts } from './exchange/single.ts';
import { type Gate, isRefusal } from './gate/gate.ts';
import { PairExchange, type PairParts } from './pairs/pair-exchange.ts';
import { Pairing, type PairSettings } from './pairs/pairing.ts';
import { BodyMemory } from './request/body-memory.ts';
import { RequestFieldRules } from './request/fields.ts';
import { RankBodies } from './request/rank-body.ts';
import { RequestReader } from './request/reader.ts';
import { findRequestId, RequestIds } from './routing/request-id.ts';
import { RequestRecord } from './routing/request-record.ts';
import { RouteTable } from './routing/route-table.ts';
import type { Route } from './routing/routes.ts';
import type { ProxySettings } from './settings.ts';
import { Turn } from './turn.ts';
import { HEAD_ROOM_BYTES } from './upstream/http1/head-room.ts';
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
  readonly makeSocketWriter: MakeSocketWriter;
  /** Of the listener; plain TCP if absent. */
  readonly makeServer?: MakeServer;
  readonly logger: Logger;
  readonly metrics: RouterMetrics;
  readonly gate: Gate;
  /** Routes that the router answers itself. */
  readonly locals: readonly LocalRoute[];
  readonly fleet: FleetCell;
  readonly load: LoadTable;
  readonly attempts: AttemptListener;
  readonly policy: PoolPolicy;
  /** Prefill and decode are divided; then `policy` is not used. */
  readonly pairs?: PairDeps;
  /** Workers are data-parallel ranks. False if absent. */
  readonly isDpAware?: boolean;
  readonly makeUpstream: MakeUpstream;
  /** One record per request, at its end. */
  readonly access: WriteRecord;
}

export interface PairDeps {
  readonly prefillPolicy: PoolPolicy;
  readonly decodePolicy: PoolPolicy;
  readonly settings: PairSettings;
}

export class DataPlane implements RequestServer {
  readonly memory: BodyMemory = new BodyMemory(BODY_MEMORY_BYTES, HEAD_ROOM_BYTES);
  readonly upstreams: Upstreams;
  /** Of the workers that serve requests alone: the regular ones, or the prefill workers where pairs are made. */
  readonly selection: Selection;
  /** Null: every request goes to one worker. */
  readonly pairing: Pairing | null;
  readonly #deps: DataPlaneDeps;
  readonly #turn: Turn;
  readonly #listener: ClientListener;
  readonly #table: RouteTable;
  readonly #ids: RequestIds;
  readonly #cors: Cors;
  readonly #accounts: Accounts;
  readonly #single: SingleParts;
  /** Null: no pairs are made. */
  readonly #pair: PairParts | null;

  constructor(deps: DataPlaneDeps) {
    const { settings, clock, wheel, metrics, rng, pairs, fleet, isDpAware = false } = deps;
    const selection = pairs === undefined ? select(deps, deps.policy, 'regular') : select(deps, pairs.prefillPolicy, 'prefill');
    this.selection = selection;
    this.#deps = deps;
    this.#turn = new Turn(clock);
    this.#listener = new ClientListener(this, {
      settings,
      turn: this.#turn,
      clock,
      wheel,
      endOfTurn: deps.endOfTurn,
      makeSocketWriter: deps.makeSocketWriter,
      makeServer: deps.makeServer ?? plainServer,
      receive: Buffer.allocUnsafeSlow(RECEIVE_BYTES),
      logger: deps.logger,
      connectionsActive: metrics.connectionsActive,
    });
    const seriesOf = (method: string, path: string): HttpSeries => metrics.httpRoute(method, path);
    this.#table = new RouteTable(deps.locals, seriesOf, settings.transparentProxy, settings.forwardPaths);
    this.#ids = new RequestIds(rng);
    this.#cors = new Cors(settings.corsOrigins);
    this.#accounts = new Accounts(this.#turn, metrics, this.#table.other.series, deps.access);
    const { memory } = this;
    const series = new SeriesTable(metrics);
    this.upstreams = new Upstreams(deps.makeUpstream);
    const dispatch: Dispatch = {
      turn: this.#turn,
      load: deps.load,
      series,
      attempts: deps.attempts,
      fleet,
      upstreams: this.upstreams,
    };
    const budget = new RetryBudget(settings.retryBudgetRatio);
    metrics.readFrom('retryBudgetUsed', () => budget.used(clock.nowMs()));
    const retrying = {
      retries: settings.retries,
      retryWorld: {
        budget,
        nowMs: () => this.#turn.nowMs,
        isInDoubt: (worker: WorkerIndex) => deps.attempts.isInDoubt(worker),
        isAway: (worker: WorkerIndex) => !fleet.current.eligible[fleet.current.workers[worker]?.type ?? 'regular'].includes(worker),
      },
      retryCounts: new RetryCounts(metrics, deps.logger),
    };
    // The bodies of pairs are made elsewhere.
    const ranks = isDpAware && pairs === undefined ? new RankBodies(memory) : null;
    this.#single = {
      settings,
      ...retrying,
      wheel,
      dispatch,
      selection,
      type: pairs === undefined ? 'regular' : 'prefill',
      memory,
      reader: new RequestReader(pairs === undefined && selection.policy.needs.prompt === true, ranks?.record ?? null),
      fields: new RequestFieldRules(settings.forwardHeaders, { places: isDpAware || pairs !== undefined, checksKeys: settings.checksKeys }),
      ranks,
    };
    this.pairing =
      pairs === undefined
        ? null
        : new Pairing(
            { turn: this.#turn, clock, wheel, memory, rng },
            pairs.settings,
            selection,
            select(deps, pairs.decodePolicy, 'decode'),
            metrics.pairs(),
          );
    this.#pair =
      this.pairing === null ? null : { settings, ...retrying, wheel, fields: this.#single.fields, dispatch, memory, pairing: this.pairing };
    // Order matters: a worker has its series and its pool before anything can choose it.
    for (const listener of [series, this.upstreams, selection]) fleet.subscribe(listener);
    if (this.pairing !== null) for (const listener of [this.pairing, this.pairing.decode]) fleet.subscribe(listener);
  }

  /** Other settings from now on. Every part reads them where it uses them, so they change together for all of them. */
  reconfigure({ upstream, retries, ...rest }: ProxySettings, pairs: PairSettings | null): void {
    const { settings } = this.#deps;
    Object.assign(settings, rest);
    Object.assign(settings.upstream, upstream);
    Object.assign(settings.retries, retries);
    this.#single.retryWorld.budget.ratio = settings.retryBudgetRatio;
    if (pairs !== null && this.pairing !== null) Object.assign(this.pairing.settings, pairs);
  }

  /** Other policies choose from now on; requests in flight end with those that chose their workers. `decode`: with pairs only. */
  adopt(policy: PoolPolicy | null, decode: PoolPolicy | null): void {
    if (policy !== null) {
      this.selection.adopt(policy);
      this.#single.reader.wantsPrompt = this.pairing === null && policy.policy.needs.prompt === true;
    }
    if (decode !== null) this.pairing?.decode.adopt(decode);
  }

  /** Resolves when connections are accepted; rejects with Node's error (EADDRINUSE, EACCES, ENOTFOUND ...). */
  listen(host: string, port: number): Promise<Address> {
    return this.#listener.listen(host, port);
  }

  get connections(): number {
    return this.#listener.connections;
  }

  /** Difference between the counts in flight and what is open to workers; 0 unless a count was not given back, or twice. */
  get drift(): number {
    let counted = 0;
    let below = 0;
    for (const count of this.#deps.load.inflight) {
      if (count > 0) counted += count;
      else below -= count;
    }
    return below + Math.max(0, counted - this.upstreams.inUse);
  }

  /**
   * Stops accepting, waits at most `graceMs` for requests under way, and closes the rest. Resolves with the number of connections that
   * had to be cut.
   */
  async close(graceMs: number): Promise<number> {
    const cut = await this.#listener.close(graceMs);
    await this.pairing?.stop();
    this.upstreams.drain();
    return cut;
  }

  /** Ends the wait of `close` now: a second signal. */
  hurry(): void {
    this.#listener.hurry();
  }

  open(connection: ClientConnection, head: RequestHead): ServedRequest | null {
    const route = this.#table.routeOf(head);
    const record = this.#record(head, route);
    if (head.method === 'OPTIONS' && isPreflight(head, route)) {
      new ClientSide(connection, record, this.#turn, this.#accounts, null).preflight(this.#cors.preflightFieldsOf(head));
      return null;
    }
    const verdict = this.#deps.gate.admit(record);
    if (verdict !== null && isRefusal(verdict)) {
      new ClientSide(connection, record, this.#turn, this.#accounts, null).refused(verdict);
      return null;
    }
    return this.#serve(new ClientSide(connection, record, this.#turn, this.#accounts, verdict), route);
  }

  refused(code: ErrorCode): void {
    this.#accounts.refused(code);
  }

  #record(head: RequestHead, route: Route): RequestRecord {
    route.series.requests.value++;
    const id = findRequestId(head, this.#deps.settings.requestIdHeaders) ?? this.#ids.next(route.idPrefix);
    return new RequestRecord(id, head, route, this.#turn.nowMs, this.#cors.fieldsOf(head));
  }

  #serve(side: ClientSide, route: Route): ServedRequest {
    if (this.#pair !== null && route.paired === 'pair') return new PairExchange(side, this.#pair);
    if (route.kind === 'local' && route.local !== null) {
      const { settings, logger } = this.#deps;
      return new LocalExchange(side, { turn: this.#turn, logger, settings }, route.local);
    }
    if (route.kind === 'every') return new EveryExchange(side, this.#single);
    return new SingleExchange(side, this.#single);
  }
}

/** Of an OPTIONS request. A path that the router knows has no other use for it; one that is only forwarded may. */
function isPreflight(head: RequestHead, { allow, kind }: Route): boolean {
  return allow !== null || (kind !== 'closed' && head.find('access-control-request-method') !== undefined);
}

/** A policy at work on the workers of one type. */
function select({ load, rng, metrics }: DataPlaneDeps, policy: PoolPolicy, type: WorkerType): Selection {
  return new Selection(policy, type, load, rng, (name) => {
    const decisions = new Map<string, { value: number }>();
    return (because) => {
      let counter = decisions.get(because);
      if (counter === undefined) {
        counter = metrics.policyDecision(name, because);
        decisions.set(because, counter);
      }
      return counter;
    };
  });
}
