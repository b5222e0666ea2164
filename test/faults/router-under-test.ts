/** A router process of the matrix: its fleet changes through the control API, and what it holds is read from outside. */
import { readdirSync } from 'node:fs';
import type { Owner } from '../support/owner.ts';
import type { Program } from '../support/program.ts';
import { ScrapedMetrics } from '../support/prometheus.ts';
import { ask } from '../support/raw-client.ts';
import { startRouterProgram } from '../support/running-router.ts';
import type { Role } from './engines.ts';

interface ListedWorker {
  readonly url: string;
  readonly is_healthy: boolean;
  readonly load: number;
  readonly status?: string;
}

const SETTLE_MS = 5000;
const BOOTSTRAP_PORT = 8998;

export class RouterUnderTest {
  readonly program: Program;
  readonly port: number;
  readonly pid: number;
  #descriptors = 0;

  static async start(owner: Owner, isPaired: boolean, flags: readonly string[] = []): Promise<RouterUnderTest> {
    const pairs = isPaired ? ['--pd-disaggregation', '--pd-bootstrap-timeout-secs', '5'] : [];
    const args = ['--metrics-path', '/metrics', '--shutdown-grace-period-secs', '1', '--access-log', 'off', ...pairs, ...flags];
    const { program, port, pid } = await startRouterProgram(owner, args);
    return new RouterUnderTest(program, port, pid);
  }

  private constructor(program: Program, port: number, pid: number) {
    this.program = program;
    this.port = port;
    this.pid = pid;
  }

  /** What is open now is what an empty router holds: call it after everything has been used once and removed. */
  async takeBaseline(): Promise<void> {
    await this.#steady();
    this.#descriptors = this.descriptors();
  }

  async add(url: string, role: Role): Promise<void> {
    const type = role === 'regular' ? {} : { worker_type: role };
    const port = role === 'prefill' ? { bootstrap_port: BOOTSTRAP_PORT } : {};
    const { status, text } = await ask(this.port, { path: '/workers', body: JSON.stringify({ url, ...type, ...port }) });
    if (status !== 202) throw new Error(`POST /workers: ${status} ${text}`);
  }

  async remove(url: string): Promise<void> {
    const { status, text } = await ask(this.port, { method: 'DELETE', path: `/workers/${encodeURIComponent(url)}` });
    if (status !== 202) throw new Error(`DELETE /workers: ${status} ${text}`);
  }

  async workers(): Promise<readonly ListedWorker[]> {
    const { json } = await ask(this.port, { path: '/workers' });
    return (json() as { workers: ListedWorker[] }).workers;
  }

  /** Resolves when `isWanted` of the URLs of the healthy workers; rejects with `what` after `limitMs`. */
  async untilHealthy(isWanted: (urls: readonly string[]) => boolean, what: string, limitMs: number = 10_000): Promise<void> {
    await this.#until(
      async () => {
        const healthy = (await this.workers()).filter(({ is_healthy }) => is_healthy);
        return isWanted(healthy.map(({ url }) => url));
      },
      what,
      limitMs,
    );
  }

  async metrics(): Promise<ScrapedMetrics> {
    return new ScrapedMetrics((await ask(this.port, { path: '/metrics' })).text);
  }

  descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** Requests and pairs that the router still counts although no client is there, after some time to settle. */
  async left(): Promise<string[]> {
    const held = async (): Promise<string[]> => {
      const metrics = await this.metrics();
      const counts = [
        ['load', (await this.workers()).reduce((sum, { load }) => sum + load, 0)],
        ['in flight', metrics.total('smg_worker_requests_active')],
        ['drift', metrics.total('smg_inflight_drift')],
        ['pairs', metrics.total('smg_pd_live_pairs')],
        ['client connections', metrics.total('smg_http_connections_active') - 1],
      ] as const;
      return counts.filter(([, count]) => count !== 0).map(([name, count]) => `${name} ${count}`);
    };
    let left = await held();
    const isQuiet = async (): Promise<boolean> => {
      left = await held();
      return left.length === 0;
    };
    await this.#until(isQuiet, '', SETTLE_MS).catch(() => {});
    return left;
  }

  /** Empties the fleet. */
  async removeAll(): Promise<void> {
    for (const { url } of await this.workers()) await this.remove(url);
    await this.#until(async () => (await this.workers()).length === 0, 'no worker', SETTLE_MS);
  }

  /** Descriptors beyond the baseline, after some time to settle. */
  async leakedDescriptors(): Promise<number> {
    await this.#steady();
    return this.descriptors() - this.#descriptors;
  }

  async #steady(): Promise<void> {
    await this.#until(async () => this.descriptors() <= this.#descriptors, '', this.#descriptors === 0 ? 1000 : SETTLE_MS).catch(() => {});
  }

  async #until(condition: () => Promise<boolean>, what: string, limitMs: number): Promise<void> {
    const startMs = performance.now();
    while (!(await condition())) {
      if (performance.now() - startMs > limitMs) throw new Error(`waited ${limitMs} ms in vain: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
