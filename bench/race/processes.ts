/** Starts the programs of a race, each as the leader of a process group of its own, and ends what it started. */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, appendFileSync, closeSync, constants, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { familyOf } from './process-family.ts';

export interface StartOptions {
  /** Where it will listen; 0 if it says so itself. */
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

  /** By process id, politely, then not. */
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

/** The programs of one race, their logs in one folder. */
export class Programs {
  readonly dir: string;
  readonly #started: Program[] = [];

  constructor(dir: string) {
    this.dir = dir;
  }

  start(name: string, command: string, args: readonly string[], options: StartOptions = {}): Program {
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

  async stopAll(): Promise<void> {
    await Promise.all(this.#started.splice(0).map((program) => program.stop()));
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
