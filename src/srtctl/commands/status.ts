/** `srtctl status` and `srtctl list`: how runs stand. */
import { Command } from 'commander';
import pc from 'picocolors';
import { reportText } from '../supervise/report.ts';
import { EXIT_CODES, type StatusFile } from '../supervise/run-directory.ts';
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

Ends with 0 while a run lasts and after it has ended, with 7 when it is lost or its files are unreadable, and with 2 when there is no such
run; "srtctl wait" ends with the run's own code.`;

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
  const look = await watchRun(run, context)();
  const { status: its, abandoned, pending } = look;
  const damage = run.damage ?? look.damage;
  const code = abandoned !== null || damage !== null ? EXIT_CODES.running : EXIT_CODES.ok;
  if (flags.json) {
    const more = { abandoned: abandoned !== null, unreadable: damage, silentSeconds: seconds(look.silentMs) };
    const shown =
      its === null
        ? { ...run.job, state: abandoned === null ? 'preparing' : 'lost', pending: pending?.words ?? null }
        : lostOr(its, abandoned);
    context.out(`${JSON.stringify({ ...shown, ...more }, null, 2)}\n`);
    return code;
  }
  const where = `\nrun directory: ${run.paths.directory}\n`;
  if (its === null) {
    const words = abandoned === null ? (damage === null ? preparing(pending) : `unreadable: ${damage}`) : `lost: ${abandoned}`;
    context.out(`${abandoned === null ? `${run.job.id}  ${words}` : `lost  ${run.job.id}: ${abandoned}`}\n${where}`);
    return code;
  }
  const colors = pc.createColors(context.screen !== null && pc.isColorSupported);
  if (abandoned !== null) context.out(`lost  ${run.job.id}: ${abandoned}\n`);
  if (look.silentMs !== null)
    context.out(`no sign of the supervisor of ${run.job.id} for ${duration(look.silentMs)}: what follows is as old\n`);
  const options = { colors, width: context.screen?.columns ?? WIDTH, height: Number.POSITIVE_INFINITY, nowMs: context.clock.wallMs() };
  context.out(`${statusView(its, { ...options, isLost: abandoned !== null })}\n`);
  if (its.report !== null) context.out(`\n${reportText(its.report, its.exitCode ?? EXIT_CODES.running)}`);
  context.out(where);
  return code;
}

function preparing(pending: { readonly words: string } | null): string {
  return pending === null ? 'preparing' : `pending: ${pending.words}`;
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms / 1000);
}

/** For programs: nothing of a lost run is ready. */
function lostOr(its: StatusFile, abandoned: string | null): object {
  if (abandoned === null) return its;
  const processes = its.processes.map((one) => (one.state === 'ended' || one.state === 'waiting' ? one : { ...one, state: 'lost' }));
  return { ...its, state: 'lost', processes };
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
    runs.map(async ({ paths, job, damage: own }) => {
      const { status: its, abandoned, pending, damage } = await watchRun({ paths, job }, context)();
      return { job, paths, status: its, isAbandoned: abandoned !== null, isPending: pending !== null, damage: own ?? damage };
    }),
  );
  if (flags.json) {
    const all = rows.map(({ job, paths, status: its, isAbandoned, damage }) => ({
      ...job,
      directory: paths.directory,
      state: isAbandoned ? 'lost' : damage === null ? (its?.state ?? 'preparing') : 'unreadable',
      outcome: its?.outcome ?? null,
      exitCode: its?.exitCode ?? null,
      endpoint: its?.endpoint ?? null,
      abandoned: isAbandoned,
      unreadable: damage,
    }));
    context.out(`${JSON.stringify(all, null, 2)}\n`);
    return EXIT_CODES.ok;
  }
  if (rows.length === 0) context.err(`there are no runs in ${directory}; "srtctl apply" makes one, -o DIR looks elsewhere\n`);
  const width = Math.max(0, ...rows.map(({ job }) => job.id.length));
  for (const { job, status: its, isAbandoned, isPending, damage } of rows) {
    const state = isAbandoned
      ? 'lost'
      : damage !== null
        ? `unreadable: ${damage}`
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
