/** What all pairs share: who may be chosen for either leg, which rooms are live, how pairs are read, timed and aborted. */
import type { Clock } from '../../../base/core/clock.ts';
import type { FleetListener } from '../../../base/core/fleet.ts';
import { type Linked, LinkedList } from '../../../base/core/linked-list.ts';
import type { OutcomeKind } from '../../../base/core/outcome.ts';
import type { Rng } from '../../../base/core/rng.ts';
import type { Worker, WorkerIndex } from '../../../base/core/worker.ts';
import { Deadline, type TimerWheel } from '../../../base/runtime/timer-wheel.ts';
import { BootstrapFields } from '../../pair/bootstrap-fields.ts';
import { PairLedger } from '../../pair/ledger.ts';
import { ListFinder } from '../../pair/logprob-lists.ts';
import { RoomSource } from '../../pair/room.ts';
import type { PairSeries } from '../../telemetry/pair-series.ts';
import type { Selection } from '../dispatch/selection.ts';
import type { BodyMemory } from '../request/body-memory.ts';
import type { Turn } from '../turn.ts';
import { EngineAborts } from './engine-aborts.ts';
import { LiveRids } from './live-rids.ts';
import { PairReader } from './reader.ts';

/** At the end of the router: how long aborts may take that are on their way. */
const STOP_GRACE_MS = 500;
/** How long a prefill leg may go on after its decode leg has ended. */
const LINGER_MS = 5000;
/** Live rooms of all pairs together; beyond it requests get 503. */
const MAX_ROOMS = 65_536;

export interface PairSettings {
  /** How long a pair may be silent before the first byte of decode. The engine has a limit of its own (300 s unless it is told another). */
  readonly bootstrapTimeoutMs: number;
  /** From the whole request: when a stream begins whose decode has sent its head and no event. */
  readonly streamStartMs: number;
  /** Workers are data-parallel ranks, and both legs name theirs. False if absent. */
  readonly isDpAware?: boolean;
}

/** A pair whose client is served and whose prefill leg is still read. */
export interface Lingering extends Linked<Lingering> {
  /** On the Clock. */
  lingersUntilMs: number;
  giveUp(kind: OutcomeKind): void;
}

/** What pairs need of the router around them. */
export interface PairingParts {
  readonly turn: Turn;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly memory: BodyMemory;
  readonly rng: Rng;
}

export class Pairing implements FleetListener {
  readonly settings: PairSettings;
  readonly prefill: Selection;
  readonly decode: Selection;
  readonly ledger: PairLedger;
  readonly reader: PairReader;
  readonly aborts: EngineAborts;
  readonly liveRids: LiveRids = new LiveRids();
  readonly finder: ListFinder = new ListFinder();
  readonly series: PairSeries;
  readonly lingering: LinkedList<Lingering> = new LinkedList();
  readonly #parts: PairingParts;
  /** One for all: they are in the order in which they are due. */
  readonly #lingerDeadline = new Deadline(() => this.#endLingering());
  readonly #bootstrap: (BootstrapFields | undefined)[] = [];

  constructor(parts: PairingParts, settings: PairSettings, prefill: Selection, decode: Selection, series: PairSeries) {
    this.#parts = parts;
    this.settings = settings;
    this.prefill = prefill;
    this.decode = decode;
    this.series = series;
    this.reader = new PairReader(settings.isDpAware ?? false);
    this.ledger = new PairLedger(new RoomSource(parts.rng), MAX_ROOMS);
    this.aborts = new EngineAborts(parts);
  }

  workerJoined(worker: Worker): void {
    if (worker.type === 'prefill') this.#bootstrap[worker.index] = new BootstrapFields(bootstrapHost(worker), worker.bootstrapPort);
  }

  /** The fields that lead to this prefill worker. Throws for a worker of another type. */
  getBootstrap(prefill: WorkerIndex): BootstrapFields {
    const fields = this.#bootstrap[prefill];
    if (fields === undefined) throw new RangeError(`worker ${prefill} is no prefill worker`);
    return fields;
  }

  /** Its prefill leg may go on for a while; `lingering.delete` when it has ended. */
  linger(pair: Lingering): void {
    pair.lingersUntilMs = this.#parts.turn.nowMs + LINGER_MS;
    this.lingering.add(pair);
    if (!this.#lingerDeadline.armed) this.#parts.wheel.arm(this.#lingerDeadline, LINGER_MS);
  }

  #endLingering(): void {
    this.#parts.turn.begin();
    for (let pair = this.lingering.first; pair !== null; pair = this.lingering.first) {
      const leftMs = pair.lingersUntilMs - this.#parts.turn.nowMs;
      if (leftMs > 0) {
        this.#parts.wheel.arm(this.#lingerDeadline, leftMs);
        return;
      }
      this.lingering.delete(pair);
      pair.giveUp('timeout');
    }
  }

  /** Ends what no client waits for, and lets the engines be told. */
  stop(): Promise<void> {
    this.#parts.wheel.cancel(this.#lingerDeadline);
    for (const pair of this.lingering.list()) pair.giveUp('cancelled');
    return this.aborts.stop(STOP_GRACE_MS);
  }
}

/** The host of the worker's URL, as decode engines put it in front of `:port`. */
function bootstrapHost({ host }: Worker): string {
  return host.includes(':') ? `[${host}]` : host;
}
