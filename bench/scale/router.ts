/** The router under measurement, and its workers in a process of their own. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Owner } from '../../test/support/owner.ts';
import { Program } from '../../test/support/program.ts';
import { ScrapedMetrics } from '../../test/support/prometheus.ts';
import { ask } from '../../test/support/raw-client.ts';

const WORKERS_FILE = fileURLToPath(new URL('workers.main.js', import.meta.url));
const TURN_WATCH = new URL('turn-watch.js', import.meta.url).href;
const READY_LIMIT_MS = 60_000;
/** Time that one line of the file of turns covers, and a little. */
const LINE_MS = 1100;

export interface StreamShape {
  readonly events: number;
  readonly gapMs: number;
}

/** URLs of so many workers. */
export async function startWorkers(owner: Owner, count: number, { events, gapMs }: StreamShape): Promise<readonly string[]> {
  const child = fork(WORKERS_FILE, { env: { ...process.env, WORKERS: String(count), EVENTS: String(events), GAP_MS: String(gapMs) } });
  const ended = once(child, 'exit');
  owner.after(async () => {
    child.disconnect();
    await ended;
  });
  const [ports] = (await once(child, 'message')) as [number[]];
  return ports.map((port) => `http://127.0.0.1:${port}`);
}

export class MeasuredRouter {
  readonly program: Program;
  readonly port: number;
  readonly pid: number;
  readonly #turnsFile: string | null;

  /** Resolves when all workers take requests. `turnsFile`: where the turns of its event loop are recorded; null: they are not. */
  static async start(
    owner: Owner,
    workers: readonly string[],
    flags: readonly string[],
    turnsFile: string | null,
  ): Promise<MeasuredRouter> {
    const args = ['--port', '0', '--prometheus-port', '0', '--log-format', 'json', '--access-log', 'off', '--metrics-path', '/metrics'];
    const env = turnsFile === null ? {} : { NODE_OPTIONS: `--import=${TURN_WATCH}`, TURNS_FILE: turnsFile };
    if (turnsFile !== null) writeFileSync(turnsFile, '');
    const program = Program.start(owner, 'router', [...args, ...flags, '--worker-urls', ...workers], env);
    await program.says('router listens');
    const { pid } = program.child;
    if (pid === undefined) throw new Error('the router has no process id');
    const router = new MeasuredRouter(program, Number(program.logged('router listens')[0]?.['port']), pid, turnsFile);
    const startMs = performance.now();
    while ((await router.metrics()).total('smg_worker_health') < workers.length) {
      if (performance.now() - startMs > READY_LIMIT_MS) throw new Error(`${workers.length} workers are not ready in time`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return router;
  }

  private constructor(program: Program, port: number, pid: number, turnsFile: string | null) {
    this.program = program;
    this.port = port;
    this.pid = pid;
    this.#turnsFile = turnsFile;
  }

  async metrics(): Promise<ScrapedMetrics> {
    return new ScrapedMetrics((await ask(this.port, { path: '/metrics' })).text);
  }

  /** The longest turn of the event loop since this wall-clock time, in ms of CPU. */
  longestTurnMs(sinceMs: number): number {
    if (this.#turnsFile === null) throw new Error('the turns of this router are not recorded');
    const lines = readFileSync(this.#turnsFile, 'utf8').trim().split('\n');
    const turns = lines.map((line) => line.split(' ').map(Number)).filter(([atMs = 0]) => atMs > sinceMs + LINE_MS);
    if (turns.length === 0) throw new Error('no turn was recorded');
    return Math.max(...turns.map(([, longestMs = 0]) => longestMs));
  }
}
