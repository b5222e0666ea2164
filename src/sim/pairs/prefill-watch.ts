/** Heartbeat of a decode engine: checks the bootstrap servers whose KV it waits for, and fails all rooms of a server that is silent. */
import { Agent, get } from 'node:http';
import type { Clock, TimerHandle } from '../../base/core/clock.ts';

export interface WatchSettings {
  readonly intervalMs: number;
  readonly mostFailures: number;
}

interface Watched {
  /** What to call when the server is lost, per waiting room. */
  readonly rooms: Set<() => void>;
  failures: number;
  timer: TimerHandle | null;
}

export class PrefillWatch {
  readonly #clock: Clock;
  readonly #settings: WatchSettings;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });
  /** By `host:port`, while a room waits for it. */
  readonly #watched = new Map<string, Watched>();

  constructor(clock: Clock, settings: WatchSettings) {
    this.#clock = clock;
    this.#settings = settings;
  }

  /** Calls `lost` after too many failed checks of the server. Returns a function that ends the watch. */
  watch(host: string, port: number, lost: () => void): () => void {
    const address = `${host}:${port}`;
    let watched = this.#watched.get(address);
    if (watched === undefined) {
      watched = { rooms: new Set(), failures: 0, timer: null };
      this.#watched.set(address, watched);
      this.#later(watched, host, port);
    }
    const { rooms, timer } = watched;
    rooms.add(lost);
    return () => {
      if (!rooms.delete(lost) || rooms.size > 0) return;
      this.#watched.get(address)?.timer?.cancel();
      timer?.cancel();
      this.#watched.delete(address);
    };
  }

  close(): void {
    for (const { timer } of this.#watched.values()) timer?.cancel();
    this.#watched.clear();
    this.#agent.destroy();
  }

  #later(watched: Watched, host: string, port: number): void {
    watched.timer = this.#clock.after(this.#settings.intervalMs, () => this.#look(watched, host, port));
  }

  #look(watched: Watched, host: string, port: number): void {
    let isOver = false;
    const settle = (isAlive: boolean): void => {
      if (isOver) return;
      isOver = true;
      late.cancel();
      if (!isAlive) request.destroy();
      watched.failures = isAlive ? 0 : watched.failures + 1;
      if (watched.failures >= this.#settings.mostFailures) {
        watched.failures = 0;
        for (const lost of [...watched.rooms]) lost();
      }
      if (watched.rooms.size > 0) this.#later(watched, host, port);
    };
    const request = get({ host, port, path: '/health', agent: this.#agent }, (response) => {
      response.resume();
      settle(response.statusCode === 200);
    });
    request.on('error', () => settle(false));
    const late = this.#clock.after(this.#settings.intervalMs, () => settle(false));
  }
}
