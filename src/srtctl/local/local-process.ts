/**
 * One child process with a process group and a log of its own.
 *
 *   spawned, group told to the guard ─► running ─ leader ends ─► group ended ─ output read ─► ended
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { Clock } from '../../base/core/clock.ts';
import { followOutput } from '../launch/follow-output.ts';
import { LaunchError, type ProcessEnd, type ProcessListener, type RunningProcess } from '../launch/launcher.ts';
import type { LogFile } from '../launch/log-file.ts';
import { groupRuns } from '../launch/proc.ts';
import type { PlannedProcess } from '../plan/plan.ts';
import type { Guard } from './guard.ts';
import type { OutputPipe } from './output-pipe.ts';

/** What is left of a group after its leader gets this long to end by itself, then again after SIGKILL for the kernel to do it. */
const LEFTOVER_MS = 1000;
const LEFTOVER_POLL_MS = 20;
/** Output of a process that is gone is in the pipe already; only a descendant that left the group can hold the pipe open. */
const OUTPUT_MS = 500;

export interface LocalStart {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly pipe: OutputPipe;
  readonly log: LogFile;
  readonly redact: (text: string) => string;
  readonly guard: Guard;
  readonly clock: Clock;
}

export class LocalProcess implements RunningProcess {
  readonly process: PlannedProcess;
  readonly pid: number;
  /** Resolves after `ended` was told. */
  readonly done: Promise<void>;
  readonly #child: ChildProcess;
  readonly #start: LocalStart;
  #isGone = false;

  /** Rejects with a LaunchError. */
  static async start(process: PlannedProcess, start: LocalStart, listener: ProcessListener): Promise<LocalProcess> {
    const output = new Socket({ fd: start.pipe.readFd, readable: true, writable: false });
    const { writeFd: fd } = start.pipe;
    const [program = '', ...args] = start.argv;
    const child = spawn(program, args, { cwd: start.cwd, env: start.env, stdio: ['ignore', fd, fd], detached: true });
    // At once: between these two lines only the mark in its environment would tell the guard of it.
    if (child.pid !== undefined) start.guard.add(child.pid);
    // Heard before anything is waited for: a short command has ended by then.
    const exit = new Promise<ProcessEnd>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
    const failed = new Promise<NodeJS.ErrnoException>((resolve) => child.on('error', resolve));
    // In this very turn: were anything waited for in between, the output of a short command could end before somebody listens to it.
    closeSync(fd);
    if (child.pid === undefined) {
      output.destroy();
      await start.log.close();
      throw await launchError(process.id, program, start, await failed);
    }
    return new LocalProcess(process, start, listener, child, child.pid, exit, output);
  }

  private constructor(
    process: PlannedProcess,
    start: LocalStart,
    listener: ProcessListener,
    child: ChildProcess,
    pid: number,
    exit: Promise<ProcessEnd>,
    output: Socket,
  ) {
    this.process = process;
    this.pid = pid;
    this.#child = child;
    this.#start = start;
    const read = followOutput(output, {
      redact: start.redact,
      log: start.log,
      onLine: (line) => {
        listener.line(line);
        return true;
      },
    });
    this.done = exit.then(async (end) => {
      await this.#endGroup();
      this.#isGone = true;
      start.guard.remove(pid);
      await Promise.race([read, this.#pause(OUTPUT_MS)]);
      output.destroy();
      await read;
      await start.log.close();
      listener.ended(end);
    });
  }

  signal(how: 'drain' | 'terminate' | 'kill'): void {
    if (this.#isGone) return;
    if (how === 'drain') this.#child.kill(this.process.role === 'nginx' ? 'SIGQUIT' : 'SIGTERM');
    else signalGroup(this.pid, how === 'kill' ? 'SIGKILL' : 'SIGTERM');
  }

  /** Whatever its leader left behind ends, too. */
  async #endGroup(): Promise<void> {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      if (!signalGroup(this.pid, signal)) return;
      for (let waited = 0; waited < LEFTOVER_MS; waited += LEFTOVER_POLL_MS) {
        await this.#pause(LEFTOVER_POLL_MS);
        if (!signalGroup(this.pid, 0) || !(await groupRuns(this.pid))) return;
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#start.clock.after(ms, resolve));
  }
}

/** ENOENT is told of a missing program and of a missing directory alike. */
async function launchError(id: string, program: string, { cwd, env }: LocalStart, cause: NodeJS.ErrnoException): Promise<LaunchError> {
  const isThere = await access(cwd).then(
    () => true,
    () => false,
  );
  const words: Readonly<Record<string, string>> = {
    ENOENT: isThere ? `${program} was not found; PATH is ${env['PATH'] ?? 'not set'}` : `its working directory ${cwd} does not exist`,
    EACCES: `${program} may not be executed by this user`,
    E2BIG: 'its arguments and environment are too large for this system',
  };
  return new LaunchError(`${id} could not be started: ${words[cause.code ?? ''] ?? cause.message}`, { cause });
}

/** False: there is no such group any more. */
function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
}
