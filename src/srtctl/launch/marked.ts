/** Processes of a run that nobody supervises: found by the mark in their environment, and ended with care for everybody else's. */
import { readFile, readlink, stat } from 'node:fs/promises';
import type { Clock } from '../../base/core/clock.ts';
import { commandOf, livingProcesses, processStartTime, runOf } from './proc.ts';

export interface RunMarks {
  /** Values of RUN_VARIABLE. */
  readonly marks: readonly string[];
  /** Absolute run directory: nginx writes over its environment, and is known by its working directory. */
  readonly directory: string;
}

export interface MarkedProcess {
  readonly pid: number;
  readonly startTime: number;
  /** For people. */
  readonly command: string;
}

const TERM_MS = 3000;
const KILL_MS = 3000;
const PAUSE_MS = 50;

/** Those of this user alone. */
export async function markedProcesses(run: RunMarks): Promise<MarkedProcess[]> {
  const found: MarkedProcess[] = [];
  for (const pid of await livingProcesses()) {
    if (!(await isOfRun(pid, run))) continue;
    const startTime = await processStartTime(pid);
    if (startTime !== null) found.push({ pid, startTime, command: (await commandOf(pid)) ?? 'command unknown' });
  }
  return found;
}

/** SIGTERM, then SIGKILL to what is left. `ended`: one sentence each; `left`: those that could not be ended. */
export async function endMarked(
  run: RunMarks,
  clock: Clock,
): Promise<{ readonly ended: readonly string[]; readonly left: readonly MarkedProcess[] }> {
  const seen = new Map<number, MarkedProcess>();
  for (const [signal, patienceMs] of [
    ['SIGTERM', TERM_MS],
    ['SIGKILL', KILL_MS],
  ] as const) {
    const untilMs = clock.nowMs() + patienceMs;
    const told = new Set<number>();
    for (;;) {
      const living = await markedProcesses(run);
      if (living.length === 0) return { ended: [...seen.values()].map(({ pid, command }) => `pid ${pid} (${command})`), left: [] };
      for (const one of living) {
        seen.set(one.pid, one);
        if (!told.has(one.pid)) await signalMarked(one, run, signal);
        told.add(one.pid);
      }
      if (clock.nowMs() >= untilMs) break;
      await new Promise<void>((resolve) => clock.after(PAUSE_MS, resolve));
    }
  }
  const left = await markedProcesses(run);
  const ended = [...seen.values()].filter(({ pid }) => !left.some((one) => one.pid === pid));
  return { ended: ended.map(({ pid, command }) => `pid ${pid} (${command})`), left };
}

/** Read again just before the signal: the number may belong to somebody else by now. */
async function signalMarked({ pid, startTime }: MarkedProcess, run: RunMarks, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (!(await isOfRun(pid, run)) || (await processStartTime(pid)) !== startTime) return;
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

async function isOfRun(pid: number, { marks, directory }: RunMarks): Promise<boolean> {
  if (pid === process.pid || !(await isOwn(pid))) return false;
  const mark = await runOf(pid);
  if (mark !== null) return marks.includes(mark);
  const title = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
  if (!title.startsWith('nginx: ')) return false;
  const at = await readlink(`/proc/${pid}/cwd`).catch(() => '');
  return at === directory || at.startsWith(`${directory}/`);
}

async function isOwn(pid: number): Promise<boolean> {
  const uid = process.getuid?.();
  return await stat(`/proc/${pid}`).then(
    (found) => found.uid === uid,
    () => false,
  );
}
