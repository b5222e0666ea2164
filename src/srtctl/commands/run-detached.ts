/** A run left to a process of its own: `srtctl supervise`, which gets what no file of the run holds (secrets) through a pipe. */
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { EXIT_CODES, runPaths } from '../supervise/run-directory.ts';
import type { CommandContext } from './command-context.ts';
import { type NewRun, takeOver } from './create-run.ts';
import { nextLook, readStatus } from './read-status.ts';
import { type LocalRun, runLocally } from './run-locally.ts';

/** What goes through the pipe, as JSON. */
interface Handover extends LocalRun {
  readonly id: string;
  readonly directory: string;
}

const START_DEADLINE_MS = 15_000;

/** Returns when the supervisor has begun. The code is ok, or start when it did not begin. */
export async function runDetached(what: LocalRun, run: NewRun, context: CommandContext): Promise<number> {
  const log = path.join(run.paths.logs, 'supervisor.log');
  const output = openSync(log, 'a', 0o600);
  const child = spawn(context.nodeBinary, [path.join(context.packageDirectory, 'dist/bin/srtctl.js'), 'supervise'], {
    cwd: context.workingDirectory,
    env: { ...context.env },
    detached: true,
    stdio: ['pipe', output, output],
  });
  let ended: string | null = null;
  child.on('exit', (code, signal) => {
    ended = signal ?? `status ${code}`;
  });
  child.on('error', (error) => {
    ended = error.message;
  });
  const handover: Handover = { ...what, id: run.id, directory: run.paths.directory };
  // Whether it took it shows below.
  child.stdin?.on('error', () => {});
  child.stdin?.end(JSON.stringify(handover));
  const deadlineMs = context.clock.nowMs() + START_DEADLINE_MS;
  while ((await readStatus(run.paths)) === null) {
    if (ended !== null || context.clock.nowMs() > deadlineMs) {
      context.err(`error: the supervisor of ${run.id} did not begin (${ended ?? 'no status within 15 s'}); its output is in ${log}\n`);
      if (ended === null) child.kill('SIGKILL');
      return EXIT_CODES.start;
    }
    await nextLook(context.clock);
  }
  child.unref();
  return EXIT_CODES.ok;
}

/** Not for people: what `apply --detach` starts. */
export function superviseCommand(context: CommandContext, finish: (code: number) => void): Command {
  return new Command('supervise')
    .description('supervise a run handed over on standard input (apply --detach starts this)')
    .action(async () => {
      const handover = JSON.parse(await context.readInput()) as Handover;
      const { id, directory } = handover;
      await takeOver(runPaths(directory));
      finish(await runLocally(handover, { id, paths: runPaths(directory) }, 'silent', context));
    });
}
