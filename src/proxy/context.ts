/** What every part of the data plane shares: made once by proxy.ts, passed to connections and exchanges. */
import type { Clock } from '../core/clock.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { AttemptListener, FleetCell } from '../core/fleet.ts';
import type { LoadTable } from '../core/load.ts';
import type { Logger } from '../core/logger.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { EndOfTurn } from '../runtime/end-of-turn.ts';
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import type { RouterMetrics } from '../telemetry/metrics.ts';
import type { WorkerSeries } from '../telemetry/worker-series.ts';
import type { BodyMemory } from './body-memory.ts';
import type { ClientConnection } from './client-connection.ts';
import type { Pairing } from './pairing.ts';
import type { RankBodies } from './rank-body.ts';
import type { RequestFieldRules } from './request-fields.ts';
import type { RequestReader } from './request-reader.ts';
import type { RequestRecord } from './request-record.ts';
import type { Selection } from './selection.ts';
import type { SeriesTable } from './series-table.ts';
import type { ServerExchange } from './server-exchange.ts';
import type { ProxySettings } from './settings.ts';
import type { Upstreams } from './upstreams.ts';

export interface ProxyContext {
  readonly settings: ProxySettings;
  readonly clock: Clock;
  /** The time of this turn of the event loop, on the scale of `clock`: as `touch` found it. */
  readonly turnMs: number;
  /** The hour as a Date field says it. */
  readonly date: string;
  /** Takes the time; called wherever a turn begins (bytes, a deadline, a drained socket), so that what follows need not. */
  touch(): void;
  readonly wheel: TimerWheel;
  readonly endOfTurn: EndOfTurn;
  readonly logger: Logger;
  readonly metrics: RouterMetrics;
  readonly fleet: FleetCell;
  readonly load: LoadTable;
  readonly attempts: AttemptListener;
  /** Of the workers that serve requests alone: the regular ones, or the prefill workers where pairs are made. */
  readonly selection: Selection;
  /** Null: every request goes to one worker. */
  readonly pairing: Pairing | null;
  readonly upstreams: Upstreams;
  readonly series: SeriesTable;
  readonly fieldRules: RequestFieldRules;
  readonly reader: RequestReader;
  readonly memory: BodyMemory;
  /** Null: requests name no data-parallel rank. */
  readonly ranks: RankBodies | null;
  /** What sockets read into; valid during one callback. */
  readonly receive: Buffer;
  /** The router is going down: connections end with the answer they carry. */
  readonly draining: boolean;
  /** Begins an exchange, or answers at once and returns null. */
  open(connection: ClientConnection, head: RequestHead): ServerExchange | null;
  /** A request was refused before it had a route. */
  refused(code: ErrorCode): void;
  /** The one end of every request that had a route. `series`: of the worker that answered; `events`: of its stream. */
  settled(record: RequestRecord, series: WorkerSeries | undefined, events: number): void;
  closed(connection: ClientConnection): void;
}
