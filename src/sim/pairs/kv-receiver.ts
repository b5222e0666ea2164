/**
 * How a decode engine gets KV: it asks the bootstrap server of the prefill engine for the room, and waits.
 *
 *   open --asks--> handshake --head--> waiting --body--> received
 *                   |   ^ |               |
 *           refused |   | | too long      | too long, heartbeat lost, room failed
 *                   +---+ v               v
 *               (asks again)  failed: 500
 *
 * If the connection ends in `waiting`, only the heartbeat notices, as in the real engine.
 */
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { TimerHandle } from '../../base/core/clock.ts';
import type { Engine } from '../engine/engine.ts';
import type { Generation } from '../scheduling/generation.ts';
import type { KvHandOver, PairHalf } from '../scheduling/pair-half.ts';
import { ABORTED, lostPrefill, type PairFailure, pairFailure, timedOut } from '../scheduling/pair-messages.ts';
import { FAKE_HOST } from '../scheduling/pair-spec.ts';
import { ROOM_PATH, type RoomAnswer } from './bootstrap-server.ts';
import { strikePair } from './pair-strike.ts';
import { PrefillWatch } from './prefill-watch.ts';

/** Time between two attempts of a handshake. */
const RETRY_MS = 500;

interface Fetch {
  readonly generation: Generation;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  request: ClientRequest | null;
  /** Handshake: its end. Waiting: its end. */
  deadline: TimerHandle;
  retry: TimerHandle | null;
  /** Set while waiting. */
  unwatch: (() => void) | null;
  isMet: boolean;
  hasKv: boolean;
  /** The engine does not notice that the KV arrives, and no timeout applies. */
  isDeaf: boolean;
}

export class KvReceiver implements PairHalf {
  readonly mode = 'decode';
  readonly #engine: Engine;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #watch: PrefillWatch;
  readonly #fetches = new Map<Generation, Fetch>();
  /** Distinguishes the requests of this engine from those of others in the same room. */
  readonly #name: string;
  #nextId = 1;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#name = engine.newId();
    const { disaggregationHeartbeatIntervalSecs, disaggregationHeartbeatMaxFailure } = engine.options;
    this.#watch = new PrefillWatch(engine.clock, {
      intervalMs: disaggregationHeartbeatIntervalSecs * 1000,
      mostFailures: disaggregationHeartbeatMaxFailure,
    });
  }

  open(generation: Generation): void {
    const { clock, options } = this.#engine;
    const { host, port, room, prefillRank = null } = generation.spec.pair ?? {};
    if (host === FAKE_HOST) {
      clock.after(0, () =>
        this.#engine.tell(generation, (scheduler) => scheduler.received(generation, { firstToken: 0, cachedTokens: 0, hasLogprobs: true })),
      );
      return;
    }
    const fetch: Fetch = {
      generation,
      host: (host ?? '').replace(/^\[(.*)\]$/, '$1'),
      port: port ?? options.disaggregationBootstrapPort,
      path: `${ROOM_PATH}${room}?id=${this.#name}-${this.#nextId++}${prefillRank === null ? '' : `&rank=${prefillRank}`}`,
      request: null,
      deadline: clock.after(options.disaggregationHandshakeTimeoutSecs * 1000, () => this.#fail(fetch, 'Decode handshake', ABORTED)),
      retry: null,
      unwatch: null,
      isMet: false,
      hasKv: false,
      isDeaf: isDeaf(generation),
    };
    // If two requests share a room, the engine notices only the KV of the later one.
    for (const other of this.#fetches.values()) if (isSamePlace(other, fetch)) other.isDeaf = true;
    this.#fetches.set(generation, fetch);
    this.#ask(fetch);
  }

  send(): void {}

  phaseOf(generation: Generation): PairFailure {
    return this.#fetches.get(generation)?.isMet === true ? 'Decode transfer' : 'Decode handshake';
  }

  drop(generation: Generation): void {
    const fetch = this.#fetches.get(generation);
    if (fetch === undefined) return;
    this.#fetches.delete(generation);
    fetch.deadline.cancel();
    fetch.retry?.cancel();
    fetch.unwatch?.();
    fetch.request?.destroy();
    if (fetch.isMet && !fetch.hasKv) this.#giveUp(fetch);
  }

  close(): void {
    for (const generation of [...this.#fetches.keys()]) {
      const fetch = this.#fetches.get(generation);
      fetch?.deadline.cancel();
      fetch?.retry?.cancel();
      fetch?.request?.destroy();
    }
    this.#fetches.clear();
    this.#watch.close();
    this.#agent.destroy();
  }

  #ask(fetch: Fetch): void {
    const { host, port, path } = fetch;
    const asked = request({ host, port, path, method: 'POST', agent: this.#agent });
    fetch.request = asked;
    asked.on('error', () => this.#missed(fetch, asked));
    asked.on('response', (response) => {
      if (response.statusCode !== 200) {
        response.destroy();
        this.#missed(fetch, asked);
      } else this.#met(fetch, response);
    });
    asked.end();
  }

  /** No bootstrap server answers: asks again until the deadline. */
  #missed(fetch: Fetch, asked: ClientRequest): void {
    if (fetch.isMet || fetch.request !== asked || !this.#fetches.has(fetch.generation)) return;
    fetch.request = null;
    // A kept-alive connection may lead to an engine that has restarted since.
    if (asked.reusedSocket) {
      this.#ask(fetch);
      return;
    }
    fetch.retry = this.#engine.clock.after(RETRY_MS, () => this.#ask(fetch));
  }

  #met(fetch: Fetch, response: IncomingMessage): void {
    const { generation, host, port } = fetch;
    const { clock, options } = this.#engine;
    if (!this.#fetches.has(generation)) {
      response.destroy();
      return;
    }
    fetch.isMet = true;
    fetch.deadline.cancel();
    const timeoutMs = options.disaggregationWaitingTimeoutSecs * 1000;
    const room = generation.spec.pair?.room ?? '';
    fetch.deadline = clock.after(timeoutMs, () => this.#fail(fetch, 'Decode transfer', timedOut(room, timeoutMs, 'WaitingForInput')));
    fetch.unwatch = this.#watch.watch(host, port, () => this.#fail(fetch, 'Decode transfer', lostPrefill(`${host}:${port}`)));
    response.on('error', () => {
      // The heartbeat notices.
    });
    let text = '';
    response.setEncoding('utf8');
    strikePair(this.#engine, generation, 'before-kv', () => {
      response.on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () => this.#answered(fetch, text));
    });
  }

  #answered(fetch: Fetch, text: string): void {
    const { generation } = fetch;
    if (!this.#fetches.has(generation)) return;
    const { failed, ...kv } = JSON.parse(text) as RoomAnswer;
    if (failed !== undefined) {
      this.#fail(fetch, 'Decode transfer', failed);
      return;
    }
    fetch.hasKv = true;
    fetch.unwatch?.();
    fetch.deadline.cancel();
    if (fetch.isDeaf) return;
    // Without `failed` it is the KV.
    strikePair(this.#engine, generation, 'after-kv', () =>
      this.#engine.tell(generation, (scheduler) => scheduler.received(generation, kv as KvHandOver)),
    );
  }

  #fail({ generation }: Fetch, phase: PairFailure, reason: string): void {
    const message = pairFailure(phase, generation, reason);
    this.#engine.log(message);
    this.#engine.tell(generation, (scheduler) => scheduler.abort(generation, message, 500));
  }

  /** Tells the prefill engine that this half no longer waits. */
  #giveUp({ host, port, path }: Fetch): void {
    const cancel = request({ host, port, path, method: 'DELETE', agent: this.#agent }, (response) => response.resume());
    cancel.on('error', () => {
      // The prefill engine is gone too.
    });
    cancel.end();
  }
}

function isSamePlace(one: Fetch, other: Fetch): boolean {
  const [a, b] = [one.generation.spec.pair, other.generation.spec.pair];
  return a?.room === b?.room && a?.prefillRank === b?.prefillRank && one.host === other.host && one.port === other.port;
}

/** Requests whose KV the decode engine never notices. Recorded; the cause is unknown. */
function isDeaf(generation: Generation): boolean {
  const { room, isSampled } = generation.spec.pair ?? {};
  return isSampled === true || room === '0' || room?.startsWith('-') === true;
}
