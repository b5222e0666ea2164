/** `srtctl status` and `srtctl list`: how runs stand. */
import { Command } from 'commander';
import pc from 'picocolors';
import { reportText } from '../supervise/report.ts';
import { EXIT_CODES } from '../supervise/run-directory.ts';
import type { CommandContext } from './command-context.ts';
import { listRuns } from './find-runs.ts';
import { addOutputOption, type RunFlags, runsDirectory, whichRun } from './run-options.ts';
import { watchRun } from './run-watch.ts';
import { duration, outcomeOf, statusView } from './status-view.ts';

const STATUS_EXAMPLES = `
Examples:
  srtctl status                       the newest run: its processes, their states and last lines, why it failed
  srtctl status quickstart            the newest run of this recipe
  srtctl status --json | jq -r '.processes[] | select(.state != "ready") | .id'

Ends with 0 whatever the state is, and with 2 when there is no such run; "srtctl wait" ends with the run's own code.`;

const LIST_EXAMPLES = `
Examples:
  srtctl list
  srtctl list --json | jq -r '.[] | select(.state != "ended") | .id'`;

/** Columns where there is no terminal. */
const WIDTH = 140;

type StatusFlags = RunFlags & { readonly json: boolean };

export function statusCommand(context: CommandContext, finish: (code: number) => void): Command {
  return addOutputOption(new Command('status'))
    .description('how a run stands')
    .argument('[run]', 'identifier, recipe name or directory of a run (default: the newest)')
    .option('--json', 'as in status.json, with "abandoned": the supervisor is gone', false)
    .addHelpText('after', STATUS_EXAMPLES)
    .action(async (which: string | undefined, flags: StatusFlags) => finish(await status(which, flags, context)));
}

export function listCommand(context: CommandContext, finish: (code: number) => void): Command {
  return addOutputOption(new Command('list'))
    .description('all runs, the newest first')
    .option('--json', 'as JSON', false)
    .addHelpText('after', LIST_EXAMPLES)
    .action(async (flags: StatusFlags) => finish(await list(flags, context)));
}

async function status(which: string | undefined, flags: StatusFlags, context: CommandContext): Promise<number> {
  const run = await whichRun(which, flags, context);
  if (run === null) return EXIT_CODES.recipe;
  const { status: its, abandoned, pending } = await watchRun(run, context)();
  if (flags.json) {
    context.out(
      `${JSON.stringify(its === null ? { ...run.job, state: 'preparing', pending: pending?.words ?? null, abandoned: abandoned !== null } : { ...its, abandoned: abandoned !== null }, null, 2)}\n`,
    );
    return EXIT_CODES.ok;
  }
  if (its === null) {
    context.out(
      `${run.job.id}  ${abandoned ?? (pending === null ? 'preparing' : `pending: ${pending.words}`)}\n\nrun directory: ${run.paths.directory}\n`,
    );
    return EXIT_CODES.ok;
  }
  const colors = pc.createColors(context.screen !== null && pc.isColorSupported);
  context.out(
    `${statusView(its, { colors, width: context.screen?.columns ?? WIDTH, height: Number.POSITIVE_INFINITY, nowMs: context.clock.wallMs() })}\n`,
  );
  if (abandoned !== null) context.out(`\n${abandoned}\n`);
  if (its.report !== null) context.out(`\n${reportText(its.report, its.exitCode ?? EXIT_CODES.running)}`);
  context.out(`\nrun directory: ${run.paths.directory}\n`);
  return EXIT_CODES.ok;
}

async function list(flags: StatusFlags, context: CommandContext): Promise<number> {
  const directory = runsDirectory(flags, context);
  const listed = await listRuns(directory);
  if (!listed.ok) {
    context.err(`error: ${listed.message}\n`);
    return EXIT_CODES.recipe;
  }
  const { runs } = listed;
  const rows = await Promise.all(
    runs.map(async ({ paths, job }) => {
      const { status: its, abandoned, pending } = await watchRun({ paths, job }, context)();
      return { job, paths, status: its, isAbandoned: abandoned !== null, isPending: pending !== null };
    }),
  );
  if (flags.json) {
    const all = rows.map(({ job, paths, status: its, isAbandoned }) => ({
      ...job,
      directory: paths.directory,
      state: its?.state ?? 'preparing',
      outcome: its?.outcome ?? null,
      exitCode: its?.exitCode ?? null,
      endpoint: its?.endpoint ?? null,
      abandoned: isAbandoned,
    }));
    context.out(`${JSON.stringify(all, null, 2)}\n`);
    return EXIT_CODES.ok;
  }
  if (rows.length === 0) context.err(`there are no runs in ${directory}; "srtctl apply" makes one, -o DIR looks elsewhere\n`);
  const width = Math.max(0, ...rows.map(({ job }) => job.id.length));
  for (const { job, status: its, isAbandoned, isPending } of rows) {
    const state = isAbandoned
      ? 'abandoned'
      : its === null
        ? isPending
          ? 'pending'
          : 'preparing'
        : its.outcome === null
          ? its.state
          : outcomeOf(its);
    const endMs = its?.endedAt ? Date.parse(its.endedAt) : context.clock.wallMs();
    const took = isAbandoned ? '' : duration(endMs - Date.parse(job.createdAt));
    context.out(`${[job.id.padEnd(width), job.createdAt.slice(0, 19).replace('T', ' '), state, took].join('  ').trimEnd()}\n`);
  }
  return EXIT_CODES.ok;
}
