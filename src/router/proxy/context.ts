/** What every part of the data plane shares: made once by proxy.ts, passed to connections and exchanges. */
import type { Clock } from '../../base/core/clock.ts';
import type { ErrorCode } from '../../base/core/errors.ts';
import type { AttemptListener, FleetCell } from '../../base/core/fleet.ts';
import type { LoadTable } from '../../base/core/load.ts';
import type { Logger } from '../../base/core/logger.ts';
import type { EndOfTurn } from '../../base/runtime/end-of-turn.ts';
import type { TimerWheel } from '../../base/runtime/timer-wheel.ts';
import type { RequestHead } from '../../wire/http1/request-head.ts';
import type { RouterMetrics } from '../telemetry/metrics.ts';
import type { WorkerSeries } from '../telemetry/worker-series.ts';
import type { ClientConnection } from './client/connection.ts';
import type { MakeSocketWriter } from './client/socket-writer.ts';
import type { Selection } from './dispatch/selection.ts';
import type { SeriesTable } from './dispatch/series-table.ts';
import type { ServerExchange } from './exchange/server-exchange.ts';
import type { Pairing } from './pairs/pairing.ts';
import type { BodyMemory } from './request/body-memory.ts';
import type { RequestFieldRules } from './request/fields.ts';
import type { RankBodies } from './request/rank-body.ts';
import type { RequestReader } from './request/reader.ts';
import type { RequestRecord } from './routing/request-record.ts';
import type { ProxySettings } from './settings.ts';
import type { Upstreams } from './upstream/upstreams.ts';

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
  readonly makeSocketWriter: MakeSocketWriter;
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
