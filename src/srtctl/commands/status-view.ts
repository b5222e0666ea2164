/** The state of a run as lines for people. Pure. */
import type pc from 'picocolors';
import { TIER_NAMES } from '../plan/plan.ts';
import type { ProcessState, ProcessStatus, RunState, StatusFile } from '../supervise/run-directory.ts';

type Colors = ReturnType<typeof pc.createColors>;

export interface ViewOptions {
  readonly colors: Colors;
  /** Columns of the terminal; longer lines are cut. */
  readonly width: number;
  /** Lines of the terminal. When there are more processes, those that are ready or wait are counted by tier. */
  readonly height: number;
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number;
  /** Nobody supervises it: what it says of processes is no longer so. */
  readonly isLost?: boolean;
}

/** Heading, then one line for each process in the order of starting. Without a line end at the end. */
export function statusView(status: StatusFile, options: ViewOptions): string {
  const processes = [...status.processes].sort((a, b) => a.tier - b.tier);
  if (processes.length < options.height) return [headingOf(status, options), ...linesOf(processes, options)].join('\n');
  const counts = countsByTier(processes);
  const room = Math.max(0, options.height - counts.length - 2);
  const told = processes.filter(({ state }) => state !== 'ready' && state !== 'waiting');
  return [headingOf(status, options), ...counts, ...linesOf(told.slice(0, room), options)].join('\n');
}

/** `  workers: 998 ready, 2 starting`. */
function countsByTier(processes: readonly ProcessStatus[]): readonly string[] {
  const tiers = new Map<number, Map<string, number>>();
  for (const { tier, state } of processes) {
    const counts = tiers.get(tier) ?? new Map<string, number>();
    tiers.set(tier, counts.set(state, (counts.get(state) ?? 0) + 1));
  }
  return [...tiers].map(([tier, counts]) => {
    const parts = [...counts].map(([state, count]) => `${count} ${state}`);
    return `  ${TIER_NAMES[tier] ?? tier}: ${parts.join(', ')}`;
  });
}

function linesOf(processes: readonly ProcessStatus[], { colors, width, nowMs, isLost = false }: ViewOptions): readonly string[] {
  const rows = processes.map((process) => cellsOf(process, nowMs, isLost));
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(0, ...rows.map((row) => row[column]!.length)));
  return rows.map((row, index) => {
    const fixed = row.slice(0, 5).map((cell, column) => cell.padEnd(widths[column]!));
    const used = fixed.join('  ').length + 4;
    const rest = cut(row[5]!, Math.max(0, width - used));
    const { state } = processes[index]!;
    fixed[3] = paint(state, processes[index]!)(fixed[3]!);
    return `  ${fixed.join('  ')}  ${colors.dim(rest)}`.trimEnd();
  });

  function paint(state: ProcessState, process: ProcessStatus): (text: string) => string {
    if (isLost && state !== 'ended' && state !== 'waiting') return colors.red;
    if (state === 'ready') return process.silentSince == null ? colors.green : colors.red;
    if (state === 'starting' || state === 'stopping') return colors.yellow;
    if (state === 'ended' && !endedWell(process)) return colors.red;
    return colors.dim;
  }
}

function headingOf(status: StatusFile, { colors, nowMs, width, isLost = false }: ViewOptions): string {
  const endMs = status.endedAt === null ? nowMs : Date.parse(status.endedAt);
  const elapsed = duration(endMs - Date.parse(status.startedAt));
  const state = isLost ? `lost while ${WORDS[status.state]}` : status.outcome === null ? WORDS[status.state] : outcomeOf(status);
  const text = [status.id, state, elapsed, status.endpoint ?? ''].filter((part) => part !== '').join('  ');
  return colors.bold(cut(text, width));
}

/** What people read for each state. */
const WORDS: Readonly<Record<RunState, string>> = {
  preparing: 'preparing',
  starting: 'starting',
  proving: 'ready, first requests',
  benchmarking: 'benchmarking',
  serving: 'serving',
  stopping: 'stopping',
  ended: 'ended',
};

export function outcomeOf({ outcome, exitCode }: StatusFile): string {
  if (outcome === null) return 'not ended';
  if (outcome === 'ok') return 'succeeded';
  if (outcome === 'cancelled') return 'cancelled';
  return `failed (${outcome}, exit code ${exitCode})`;
}

function cellsOf(process: ProcessStatus, nowMs: number, isLost: boolean): readonly string[] {
  const since = process.startedAt === null ? null : Date.parse(process.startedAt);
  const until = process.endedAt === null ? nowMs : Date.parse(process.endedAt);
  return [
    TIER_NAMES[process.tier] ?? String(process.tier),
    process.id,
    process.node,
    process.state === 'ended'
      ? endOf(process)
      : isLost && process.state !== 'waiting'
        ? 'lost'
        : process.silentSince == null
          ? process.state
          : 'silent',
    since === null ? '' : duration(until - since),
    (process.state === 'starting' || process.state === 'ready') && process.detail !== null
      ? process.detail
      : process.lastLine === null
        ? (process.detail ?? '')
        : shortLine(process.lastLine),
  ];
}

/** A line of JSON, as routers write, with its message first: `request status=200 path=/health`. Others as they are. */
function shortLine(line: string): string {
  if (!line.startsWith('{')) return line;
  try {
    const { msg, level: _level, time: _time, pid: _pid, ...rest } = JSON.parse(line) as Record<string, unknown>;
    if (typeof msg !== 'string') return line;
    const fields = Object.entries(rest).filter(([, value]) => typeof value === 'string' || typeof value === 'number');
    return [msg, ...fields.map(([key, value]) => `${key}=${value}`)].join(' ');
  } catch {
    // Cut, or no JSON: it is shown as it is.
    return line;
  }
}

function endOf(process: ProcessStatus): string {
  if (process.signal !== null) return `ended (${process.signal})`;
  return process.exitCode === null ? 'ended' : `ended (${process.exitCode})`;
}

function endedWell(process: ProcessStatus): boolean {
  return process.exitCode === 0 || process.signal === 'SIGTERM';
}

/** `0.4 s`, `12 s`, `3 m 05 s`, `2 h 07 m`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} m ${String(Math.floor(seconds % 60)).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} m`;
}

/** To at most `width` characters, without what would move a cursor or colour a terminal. */
function cut(text: string, width: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out.
  const clean = text.replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, '').replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
  return clean.length <= width ? clean : `${clean.slice(0, Math.max(0, width - 1))}…`;
}
