/** One fleet, brought up by `srtctl apply --local` as a user would, and what can be seen of it from outside. Linux only. */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Plan } from '../../src/srtctl/plan/plan.ts';
import type { ProcessStatus, StatusFile } from '../../src/srtctl/supervise/run-directory.ts';
import { ROOT } from '../../test/support/program.ts';
import { familyOf } from '../race/process-family.ts';
import { usedMs } from './process-cost.ts';

const READY_LIMIT_MS = 120_000;
const END_LIMIT_MS = 120_000;
const LOOK_MS = 10;
const WORKER_ROLES: ReadonlySet<string> = new Set(['prefill', 'decode', 'aggregated']);

/** Live fleets, ended by `endAll` however the benchmark ends. */
const living = new Set<Fleet>();

export async function endAll(): Promise<void> {
  await Promise.all([...living].map((fleet) => fleet.end()));
}

export class Fleet {
  /** From the start of srtctl until it said that the fleet serves, after a request of its own through every entrance. */
  readonly readyMs: number;
  /** What srtctl and all that lived of what it had started had used of the CPU by then. */
  readonly startCpuMs: number;
  readonly status: StatusFile;
  readonly #child: ChildProcess;
  readonly #outputs: string;
  readonly #exit: Promise<void>;
  readonly #drains: Socket[] = [];

  static async start(recipe: string, env: Readonly<Record<string, string>>): Promise<Fleet> {
    const outputs = mkdtempSync(join(tmpdir(), 'bench-modes-'));
    writeFileSync(join(outputs, 'recipe.yaml'), recipe);
    const startMs = performance.now();
    const args = [`${ROOT}dist/bin/srtctl.js`, 'apply', '-f', join(outputs, 'recipe.yaml'), '--local', '-o', join(outputs, 'runs')];
    const { SRTSLURM_CONFIG: _, ...base } = process.env;
    // Should the benchmark be killed while srtctl is held still, nobody would wake it: it is killed, too, and its guard ends the fleet.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', process.execPath, ...args], {
      cwd: outputs,
      env: { ...base, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (bytes: Buffer) => {
        said = (said + bytes.toString()).slice(-4000);
      });
    for (let status: StatusFile | null = null; ; await sleep(LOOK_MS)) {
      status = readStatus(outputs);
      if (status?.state === 'serving') return new Fleet(child, outputs, status, performance.now() - startMs);
      const isLate = performance.now() - startMs > READY_LIMIT_MS;
      if (child.exitCode === null && !isLate) continue;
      child.kill('SIGKILL');
      rmSync(outputs, { recursive: true, force: true });
      throw new Error(`the fleet did not come up: ${said}`);
    }
  }

  private constructor(child: ChildProcess, outputs: string, status: StatusFile, readyMs: number) {
    this.#child = child;
    this.#outputs = outputs;
    this.status = status;
    this.readyMs = readyMs;
    this.#exit = new Promise((resolve) => child.once('exit', () => resolve()));
    this.startCpuMs = usedMs(familyOf(child.pid ?? 0));
    living.add(this);
  }

  get #directory(): string {
    const [name = ''] = readdirSync(join(this.#outputs, 'runs'));
    return join(this.#outputs, 'runs', name);
  }

  get endpoint(): string {
    return this.status.endpoint ?? '';
  }

  get workers(): readonly ProcessStatus[] {
    return this.status.processes.filter(({ role }) => WORKER_ROLES.has(role));
  }

  /** Address of a process's node, without a port. */
  addressOf({ node }: ProcessStatus): string {
    return this.status.nodes.find((one) => one.node === node)?.address ?? '';
  }

  get plan(): Plan {
    return JSON.parse(readFileSync(join(this.#directory, 'plan.json'), 'utf8')) as Plan;
  }

  /** Processes of the plan with all that they started, and those among them that are no workers. */
  pids(): { readonly all: readonly number[]; readonly entrance: readonly number[] } {
    const families = this.status.processes.map(({ pid, role }) => ({
      isWorker: WORKER_ROLES.has(role),
      pids: pid === null ? [] : familyOf(pid),
    }));
    return {
      all: families.flatMap(({ pids }) => pids),
      entrance: families.filter(({ isWorker }) => !isWorker).flatMap(({ pids }) => pids),
    };
  }

  /**
   * srtctl would end a fleet that has lost a worker: while it is held still the fleet is on its own. What the fleet writes is then read, and
   * thrown away, by us: a full pipe would stop whoever writes.
   */
  hold(): void {
    const pid = this.#child.pid ?? 0;
    this.#child.kill('SIGSTOP');
    for (const fd of readdirSync(`/proc/${pid}/fd`)) {
      const path = `/proc/${pid}/fd/${fd}`;
      // Named ones only: through those without a name Node tells itself of signals.
      if (!readlinkSync(path).startsWith('/') || !statSync(path).isFIFO() || !isForReading(pid, fd)) continue;
      const drain = new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false });
      this.#drains.push(drain.on('error', () => {}).resume());
    }
  }

  /** Asks as Ctrl-C does. Resolves with the time until srtctl and all that it started were gone. */
  async end(): Promise<number> {
    const startMs = performance.now();
    await Promise.all(this.#drains.splice(0).map(closed));
    this.#child.kill('SIGCONT');
    this.#child.kill('SIGINT');
    const late = setTimeout(() => this.#child.kill('SIGKILL'), END_LIMIT_MS);
    await this.#exit;
    clearTimeout(late);
    const tookMs = performance.now() - startMs;
    living.delete(this);
    rmSync(this.#outputs, { recursive: true, force: true, maxRetries: 5 });
    return tookMs;
  }
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    // That of the worker that was killed has ended by itself.
    if (socket.closed) resolve();
    socket.once('close', () => resolve());
    socket.destroy();
  });
}

function isForReading(pid: number, fd: string): boolean {
  const flags = /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1'))?.[1] ?? '1';
  return (Number.parseInt(flags, 8) & (constants.O_WRONLY | constants.O_RDWR)) === constants.O_RDONLY;
}

/** Null: there is none yet. */
function readStatus(outputs: string): StatusFile | null {
  try {
    const [name = ''] = readdirSync(join(outputs, 'runs'));
    return JSON.parse(readFileSync(join(outputs, 'runs', name, 'status.json'), 'utf8')) as StatusFile;
  } catch {
    // Not written yet; whoever waits has a limit.
    return null;
  }
}
