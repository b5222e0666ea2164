/** Starts the programs of a race, each as the leader of its process group, and ends what it started. */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, appendFileSync, closeSync, constants, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { familyOf } from './process-family.ts';

export interface StartOptions {
  /** Where the program will listen; 0 if it prints its port. */
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** A started program and everything that it started. */
export class Program {
  port: number;
  isDead = false;
  /** The first of what it wrote to its standard output. */
  output = '';
  readonly pid: number;
  readonly #log: string;

  constructor(child: ChildProcess, log: string, port: number) {
    this.port = port;
    this.pid = child.pid ?? 0;
    this.#log = log;
    child.stdout?.on('data', (text: Buffer) => {
      appendFileSync(log, text);
      if (this.output.length < 10_000) this.output += text.toString();
    });
    child.on('error', (error) => {
      this.isDead = true;
      appendFileSync(log, String(error));
    });
    child.on('exit', () => {
      this.isDead = true;
    });
  }

  pids(): number[] {
    return this.pid === 0 ? [] : familyOf(this.pid);
  }

  /** The end of its log, for a message. */
  lastWords(): string {
    return readFileSync(this.#log, 'utf8').slice(-400).trim();
  }

  /** By process id: SIGTERM, and SIGKILL after two seconds. */
  async stop(): Promise<void> {
    const pids = this.pids();
    const alive = () => pids.filter((pid) => signal(pid, 0));
    for (const name of ['SIGTERM', 'SIGKILL'] as const) {
      for (const pid of alive()) signal(pid, name);
      for (let i = 0; i < 40 && alive().length > 0; i++) await sleep(50);
    }
  }
}

/** False if there is no such process (any more). */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** What a program that runs to its end wrote, and how it ended. */
export interface Ended {
  readonly output: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The programs of one race, their logs in one folder. */
export class Programs {
  readonly dir: string;
  readonly #started: Program[] = [];
  readonly #running = new Set<ChildProcess>();
  #isStopping = false;

  constructor(dir: string) {
    this.dir = dir;
  }

  /** Throws after stopAll(): a race that is being stopped leaves nothing behind. */
  start(name: string, command: string, args: readonly string[], options: StartOptions = {}): Program {
    this.#checkOpen();
    const log = join(this.dir, `${name.replace(/\W/g, '_')}.log`);
    const errors = openSync(log, 'a');
    const child = spawn(command, args, {
      cwd: this.dir,
      detached: true,
      stdio: ['ignore', 'pipe', errors],
      env: { ...process.env, ...options.env },
    });
    closeSync(errors);
    const program = new Program(child, log, options.port ?? 0);
    this.#started.push(program);
    return program;
  }

  /** Resolves when the program, the leader of a process group, has ended. Its standard error goes to that of the race. */
  run(command: string, args: readonly string[]): Promise<Ended> {
    return new Promise((resolve, reject) => {
      this.#checkOpen();
      const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
      this.#running.add(child);
      let output = '';
      child.stdout.on('data', (text: Buffer) => {
        output += text.toString();
      });
      child.on('error', (error) => {
        this.#running.delete(child);
        reject(error);
      });
      child.on('close', (code, name) => {
        this.#running.delete(child);
        resolve({ output, code, signal: name });
      });
    });
  }

  /** Ends everything; nothing starts afterwards. */
  async stopAll(): Promise<void> {
    this.#isStopping = true;
    for (const { pid } of this.#running) if (pid !== undefined) signal(-pid, 'SIGKILL');
    await Promise.all(this.#started.splice(0).map((program) => program.stop()));
  }

  #checkOpen(): void {
    if (this.#isStopping) throw new Error('the race is being stopped');
  }
}

/** A port that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}

/** Path of a program, or null. Looks in sbin too, where nginx and haproxy live. */
export function findProgram(name: string): string | null {
  for (const dir of [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin']) {
    const path = join(dir, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}
