/** `srtctl logs`: what the processes of a run have written, and what they write. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { EXIT_CODES } from '../supervise/run-directory.ts';
import type { CommandContext } from './command-context.ts';
import type { FoundRun } from './find-runs.ts';
import { LogTail } from './log-tail.ts';
import { nextLook, readStatus } from './read-status.ts';
import { addOutputOption, type RunFlags, whichRun } from './run-options.ts';
import { type RunLook, watchRun } from './run-watch.ts';

const EXAMPLES = `
Examples:
  srtctl logs                         the last lines of every process of the newest run
  srtctl logs -f                      and then what is added, until the run ends
  srtctl logs prefill-0 -n all        all that one process wrote; "prefill" means all prefill workers
  srtctl logs router-1 -r quickstart  of the newest run of the recipe quickstart

The files themselves are in logs/ of the run directory.`;

const DEFAULT_LINES = 20;

interface LogFlags extends RunFlags {
  readonly follow: boolean;
  readonly lines: number | 'all';
  readonly run?: string;
}

interface Source {
  /** `prefill-0`. */
  readonly name: string;
  readonly tail: LogTail;
}

export function logsCommand(context: CommandContext, finish: (code: number) => void): Command {
  return addOutputOption(new Command('logs'))
    .description('what the processes of a run have written')
    .argument('[process...]', 'such as prefill-0, or prefill for all of the role (default: all)')
    .option('-f, --follow', 'go on with what is added, until the run ends', false)
    .option('-n, --lines <n>', 'lines of each process to begin with, or "all"', lineCount, DEFAULT_LINES)
    .option('-r, --run <run>', 'identifier, recipe name or directory of a run (default: the newest)')
    .addHelpText('after', EXAMPLES)
    .action(async (processes: readonly string[], flags: LogFlags) => finish(await logs(processes, flags, context)));
}

async function logs(wanted: readonly string[], flags: LogFlags, context: CommandContext): Promise<number> {
  const run = await whichRun(flags.run, flags, context);
  if (run === null) return EXIT_CODES.recipe;
  const look = watchRun(run, context);
  let isStopped = false;
  const giveBack = flags.follow
    ? context.onSignal(() => {
        isStopped = true;
      })
    : (): void => {};
  try {
    // Before a job begins there is nothing to choose from.
    let told = '';
    for (let first = await look(); flags.follow && !isStopped && first.status === null && runs(first); first = await look()) {
      const words = first.pending?.words ?? '';
      if (words !== told) context.err(`${run.job.id}: ${words}\n`);
      told = words;
      await nextLook(context.clock);
    }
    return await showLogs(run, wanted, flags, look, () => isStopped, context);
  } finally {
    giveBack();
  }
}

async function showLogs(
  run: FoundRun,
  wanted: readonly string[],
  flags: LogFlags,
  look: () => Promise<RunLook>,
  isStopped: () => boolean,
  context: CommandContext,
): Promise<number> {
  const all = await logFiles(run);
  const chosen = wanted.length === 0 ? all : all.filter(([name]) => wanted.some((want) => matches(want, name)));
  const unknown = wanted.filter((want) => !all.some(([name]) => matches(want, name)));
  if (unknown.length > 0) {
    context.err(
      `error: ${run.job.id} has no process ${unknown.join(', ')}; it has ${all.map(([name]) => name).join(', ') || 'none yet'}\n`,
    );
    return EXIT_CODES.recipe;
  }
  const sources: readonly Source[] = chosen.map(([name, file]) => ({ name, tail: new LogTail(file) }));
  const width = sources.length === 1 ? 0 : Math.max(0, ...sources.map(({ name }) => name.length));
  try {
    for (const { tail } of sources) await tail.start(flags.lines === 'all' ? null : flags.lines);
    while (flags.follow && !isStopped() && runs(await look())) {
      await show(sources, width, false, context);
      await nextLook(context.clock);
    }
    await show(sources, width, true, context);
    return isStopped() ? EXIT_CODES.cancelled : EXIT_CODES.ok;
  } finally {
    for (const { tail } of sources) await tail.close();
  }
}

function runs({ status, abandoned }: RunLook): boolean {
  return abandoned === null && status?.state !== 'ended';
}

async function show(sources: readonly Source[], width: number, isAll: boolean, context: CommandContext): Promise<void> {
  for (const { name, tail } of sources) {
    const lines = await tail.read(isAll);
    if (lines.length === 0) continue;
    const prefix = width === 0 ? '' : `${name.padEnd(width)} | `;
    context.out(lines.map((line) => `${prefix}${line}\n`).join(''));
  }
}

/** Of the processes of the run in the order of starting, then of whatever else has a log there. */
async function logFiles({ paths }: FoundRun): Promise<(readonly [name: string, file: string])[]> {
  const status = await readStatus(paths);
  const processes = [...(status?.processes ?? [])].sort((a, b) => a.tier - b.tier);
  const known = processes.map(({ id, log }) => [id, path.join(paths.directory, log)] as const);
  const files = new Set(known.map(([, file]) => file));
  const names = await readdir(paths.logs).catch(() => []);
  const others = names.map((name) => path.join(paths.logs, name)).filter((file) => !files.has(file));
  return [...known, ...others.sort().map((file) => [path.basename(file).replace(/\.[^.]*$/, ''), file] as const)];
}

/** `prefill` is prefill-0, prefill-1, prefill-1.1; `prefill-1` is that and its further ranks. */
function matches(want: string, name: string): boolean {
  return name === want || name.startsWith(`${want}-`) || name.startsWith(`${want}.`);
}

function lineCount(text: string): number | 'all' {
  if (text === 'all') return text;
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('expected a whole number, or all.');
  return Number(text);
}
