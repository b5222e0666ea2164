/** Starts a simulated engine in this process. `sglang-sim` runs one, tests and the demo run many. */
import type { Clock } from '../../base/core/clock.ts';
import type { Rng } from '../../base/core/rng.ts';
import { realClock } from '../../base/runtime/clock.ts';
import { createRng } from '../../base/runtime/rng.ts';
import { simStats } from '../api/admin-routes.ts';
import { Routes } from '../api/routes.ts';
import { Engine } from '../engine/engine.ts';
import type { FaultKind, FaultRule, ListedFault } from '../engine/faults.ts';
import { completeOptions, parseDistAddress, type SimOptions } from '../engine/options.ts';
import { SimHttpServer } from '../http/http-server.ts';
import type { Json } from '../http/python-json.ts';
import { BootstrapServer } from '../pairs/bootstrap-server.ts';
import { KvReceiver } from '../pairs/kv-receiver.ts';
import { PrefillRooms } from '../pairs/prefill-rooms.ts';
import { EngineLog, type LogSink } from './engine-log.ts';
import { FirstNode } from './node-group.ts';

export interface SimHandle {
  /** `http://host:port`, IPv6 in brackets. */
  readonly url: string;
  readonly port: number;
  /** Port of the bootstrap server of a prefill engine; null when there is none. */
  readonly bootstrapPort: number | null;
  readonly options: SimOptions;
  readonly engine: Engine;
  /** Resolves when the engine is warm: /health answers 200 from then on. */
  readonly ready: Promise<void>;
  /** Resolves when the engine is gone: stopped, drained, or dead. */
  readonly gone: Promise<'stopped' | 'drained' | 'dead'>;
  /** Same as POST /sim/faults. Throws a RangeError when there are too many. */
  addFault(rule: Partial<FaultRule> & { readonly kind: FaultKind }): number;
  removeFaults(id?: number): void;
  listFaults(): readonly ListedFault[];
  /** Same as GET /sim/stats. */
  stats(): { readonly [key: string]: Json };
  openSockets(): number;
  /** With true, refuses new connections until called with false; open ones continue. */
  setRefusing(isRefusing: boolean): Promise<void>;
  /** Acts as SIGTERM: health 503 at once, new requests served, the engine ends with the last request. */
  drain(): Promise<void>;
  /** Acts as SIGKILL: closes all sockets now. */
  stop(): Promise<void>;
}

/**
 * Port 0, the default here, takes a free one. Rejects if a port is taken or other nodes do not connect, and with a RangeError for
 * bad options.
 */
export async function startSim(
  given: Partial<SimOptions> = {},
  clock: Clock = realClock,
  rng?: Rng,
  sink: LogSink = () => {},
): Promise<SimHandle> {
  const options = completeOptions({ port: 0, ...given });
  const engine = new Engine(options, clock, rng ?? createRng(options.seed));
  if (options.nodeRank > 0) throw new RangeError(`nodeRank ${options.nodeRank} serves nothing: start it with startFollower`);
  const sim = new RunningSim(engine, new EngineLog(clock, sink));
  await sim.start();
  return sim;
}

/** Time between the last answer of a draining engine and its end. */
const DRAIN_SETTLE_MS = 100;

class RunningSim implements SimHandle {
  readonly engine: Engine;
  readonly options: SimOptions;
  readonly ready: Promise<void>;
  readonly gone: Promise<'stopped' | 'drained' | 'dead'>;
  readonly #server: SimHttpServer;
  readonly #log: EngineLog;
  /** Of an engine of several nodes. */
  readonly #nodes: FirstNode | null = null;
  /** Of a prefill engine. */
  readonly #bootstrap: BootstrapServer | null = null;
  /** Of a decode engine. */
  readonly #receiver: KvReceiver | null = null;
  #isOver = false;
  #setReady: () => void = () => {};
  #setGone: (how: 'stopped' | 'drained' | 'dead') => void = () => {};

  constructor(engine: Engine, log: EngineLog) {
    this.engine = engine;
    this.#log = log;
    this.options = engine.options;
    this.#server = new SimHttpServer(engine, new Routes(engine.options));
    if (engine.options.nnodes > 1) {
      this.#nodes = new FirstNode();
      this.#nodes.onLost = (rank) => this.#nodeLost(rank);
    }
    if (engine.options.disaggregationMode === 'prefill') {
      const rooms = new PrefillRooms(engine);
      this.#bootstrap = new BootstrapServer(engine, rooms);
      engine.roomStats = () => rooms.stats();
      for (const scheduler of engine.schedulers) scheduler.join(rooms);
    } else if (engine.options.disaggregationMode === 'decode') {
      this.#receiver = new KvReceiver(engine);
      for (const scheduler of engine.schedulers) scheduler.join(this.#receiver);
    }
    this.ready = new Promise((resolve) => {
      this.#setReady = resolve;
    });
    this.gone = new Promise((resolve) => {
      this.#setGone = resolve;
    });
    engine.log = (text) => log.line(text);
    engine.onDeath = () => void this.#end('dead');
    engine.onJobEnd = () => this.#checkDrained();
    engine.onRefuse = (durationMs) => {
      void this.setRefusing(true);
      // An engine that cannot listen again ends.
      engine.clock.after(durationMs, () => void this.setRefusing(false).catch(() => this.#end('dead')));
    };
  }

  get port(): number {
    return this.#server.port;
  }

  get bootstrapPort(): number | null {
    return this.#bootstrap?.port ?? null;
  }

  get url(): string {
    const { host } = this.options;
    return `http://${host.includes(':') ? `[${host}]` : host}:${this.port}`;
  }

  async start(): Promise<void> {
    const { engine, options } = this;
    try {
      this.#log.arguments(options);
      await this.#meetNodes();
      await this.#log.load(engine.scaled(options.startupDelaySecs * 1000));
      await this.#server.listen();
      await this.#bootstrap?.listen(this.#server.port);
    } catch (error) {
      await this.#closeAll(false);
      throw error;
    }
    this.#log.serving(options, this.url);
    const warm = (): void => {
      if (engine.state === 'starting') {
        engine.state = 'ready';
        this.#log.ready();
      }
      this.#setReady();
    };
    if (options.warmupSecs > 0) engine.clock.after(engine.scaled(options.warmupSecs * 1000), warm);
    else warm();
  }

  addFault(rule: Partial<FaultRule> & { readonly kind: FaultKind }): number {
    return this.engine.addFault(rule);
  }

  removeFaults(id?: number): void {
    this.engine.removeFaults(id ?? null);
  }

  listFaults(): readonly ListedFault[] {
    return this.engine.faults.list();
  }

  stats(): { readonly [key: string]: Json } {
    return simStats(this.engine);
  }

  openSockets(): number {
    return this.#server.openSockets;
  }

  async setRefusing(isRefusing: boolean): Promise<void> {
    if (isRefusing) this.#server.stopListening();
    else if (!this.#isOver && !this.#server.isListening) await this.#server.listen();
  }

  async drain(): Promise<void> {
    if (this.engine.state === 'ready' || this.engine.state === 'starting') this.engine.state = 'draining';
    this.#checkDrained();
    await this.gone;
  }

  stop(): Promise<void> {
    return this.#end('stopped');
  }

  #checkDrained(): void {
    if (this.engine.state !== 'draining') return;
    // The real engine exits at once if its last health check failed.
    if (this.engine.isUnhealthy) {
      void this.#end('dead');
      return;
    }
    if (this.engine.openRequests > 0) return;
    this.engine.clock.after(DRAIN_SETTLE_MS, () => {
      if (this.engine.state === 'draining' && this.engine.openRequests === 0) void this.#end('drained');
    });
  }

  async #meetNodes(): Promise<void> {
    const { nnodes, distInitAddr, distTimeout } = this.options;
    const at = parseDistAddress(distInitAddr);
    if (this.#nodes === null || at === null) return;
    this.#log.meeting(this.options);
    await this.#nodes.meet(at, nnodes - 1, this.engine.clock, distTimeout * 1000);
    this.#log.met();
  }

  /** The collectives of the engine hang until its watchdog kills it. While it drains, other nodes may end first. */
  #nodeLost(rank: number): void {
    if (this.engine.state === 'draining') return;
    this.#log.line(`Node ${rank} is gone.`);
    this.engine.freeze();
    this.engine.clock.after(this.engine.scaled(this.options.deadlySecs * 1000), () => this.engine.die(0));
  }

  async #closeAll(isOrderly: boolean): Promise<void> {
    this.#receiver?.close();
    await Promise.all([this.#server.close(), this.#bootstrap?.close(), this.#nodes?.close(isOrderly)]);
  }

  async #end(how: 'stopped' | 'drained' | 'dead'): Promise<void> {
    if (this.#isOver) {
      await this.gone;
      return;
    }
    this.#isOver = true;
    this.engine.state = 'dead';
    for (const scheduler of this.engine.schedulers) scheduler.die();
    await this.#closeAll(how !== 'dead');
    this.#setReady();
    this.#setGone(how);
  }
}
