/** Starts engines, simulated engines and routers as child processes, waits until they answer, and ends them. */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export interface Program {
  readonly name: string;
  readonly url: string;
  readonly child: ChildProcess;
  readonly logFile: string;
  /** How long it took until it answered. */
  readonly startedInMs: number;
  /** Resolves with the exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
}

export interface Start {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly port: number;
  /** Answers 200 when the program is ready. */
  readonly readyPath: string;
  readonly deadlineMs: number;
  readonly logFile: string;
  /** Beside the environment of this program. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A port that is free now. Another program could take it before it is used; then the start fails visibly. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}

async function answers(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const reply = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]) });
    await reply.arrayBuffer();
    return reply.status === 200;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

/** Every program that has been started and may still run. `stopAll` ends them on every way out of the tool. */
export class Programs {
  readonly #running: Program[] = [];

  /** Throws with the end of the log if the program ends or the deadline passes before it answers. */
  async start(how: Start, signal: AbortSignal): Promise<Program> {
    const startMs = performance.now();
    const log = openSync(how.logFile, 'w');
    // A group of its own: an engine has child processes, and Ctrl-C on the terminal must not reach it before this tool decides.
    const child = spawn(how.command, how.args, { stdio: ['ignore', log, log], detached: true, env: { ...process.env, ...how.env } });
    closeSync(log);
    let end: number | string | undefined;
    const ended = new Promise<number | string>((resolve) => {
      const note = (what: number | string): void => {
        end = what;
        resolve(what);
      };
      child.on('exit', (code, by) => note(code ?? by ?? 'unknown'));
      child.on('error', (error) => note(error.message));
    });
    const url = `http://127.0.0.1:${how.port}`;
    const half = { name: how.name, url, child, logFile: how.logFile, startedInMs: 0, ended };
    this.#running.push(half);
    const fail = (why: string): Error =>
      new Error(`${how.name} ${why}; end of ${how.logFile}:\n${readFileSync(how.logFile, 'utf8').split('\n').slice(-15).join('\n')}`);
    while (!(await answers(url + how.readyPath, signal))) {
      if (end !== undefined) throw fail(`ended with ${end} before it was ready`);
      if (performance.now() - startMs > how.deadlineMs) throw fail(`was not ready after ${how.deadlineMs / 1000} s`);
      await pause(250, undefined, { signal });
    }
    return { ...half, startedInMs: performance.now() - startMs };
  }

  /** SIGTERM to the program's group, SIGKILL after `graceMs`. Returns when it has ended. */
  async stop(program: Pick<Program, 'child' | 'ended'>, graceMs: number): Promise<void> {
    const { pid } = program.child;
    if (pid === undefined) return;
    const send = (what: NodeJS.Signals): void => {
      try {
        process.kill(-pid, what);
      } catch {
        // No process of the group is left, which is what was wanted.
      }
    };
    send('SIGTERM');
    await Promise.race([program.ended, pause(graceMs, undefined, { ref: false })]);
    send('SIGKILL');
    await program.ended;
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.#running.map((program) => this.stop(program, 1000)));
  }
}
