/** The command line of srtctl: its sub-commands, and how they end. */
import { Command, CommanderError } from 'commander';
import { EXIT_CODES } from '../supervise/run-directory.ts';
import { applyCommand } from './apply.ts';
import { benchCommand } from './bench.ts';
import { cancelCommand } from './cancel.ts';
import type { CommandContext } from './command-context.ts';
import { compareCommand } from './compare.ts';
import { convertCommand } from './convert.ts';
import { logsCommand } from './logs.ts';
import { nodeFactsCommand } from './node-facts.ts';
import { planCommand } from './plan.ts';
import { superviseCommand } from './run-detached.ts';
import { listCommand, statusCommand } from './status.ts';
import { superviseJobCommand } from './supervise-job.ts';
import { validateCommand } from './validate.ts';
import { waitCommand } from './wait.ts';

const EXAMPLES = `
Examples:
  srtctl apply -f recipes/quickstart.yaml --local       a fleet of simulated engines on this machine, measured
  srtctl plan -f recipe.yaml                            what a recipe would start: nodes, processes, ports, commands
  srtctl apply -f recipe.yaml --local --unset benchmark -d
  srtctl status; srtctl logs -f prefill; srtctl cancel  a fleet in the background: look at it, stop it
  srtctl COMMAND --help                                 more examples

Recipes: docs/recipe-reference.md and recipes/. Commands, exit codes, what to do when something fails: docs/srtctl.md.`;

/** Runs one command line (without the names of node and program). Returns the exit code; rejects only for a bug. */
export async function runSrtctl(argv: readonly string[], version: string, context: CommandContext): Promise<number> {
  let code: number = EXIT_CODES.ok;
  const finish = (its: number): void => {
    code = its;
  };
  const program = new Command('srtctl')
    .description('bring up fleets of SGLang engines from recipes')
    .version(`srtctl ${version}`, '-V, --version')
    .addHelpText('after', EXAMPLES);
  const commands = [
    applyCommand(context, finish),
    planCommand('plan', context, finish),
    planCommand('dry-run', context, finish),
    validateCommand(context, finish),
    convertCommand(context, finish),
    listCommand(context, finish),
    statusCommand(context, finish),
    logsCommand(context, finish),
    waitCommand(context, finish),
    cancelCommand(context, finish),
    benchCommand({ argv, version }, context, finish),
    compareCommand(context, finish),
  ];
  const hidden = [superviseCommand(context, finish), superviseJobCommand(context, finish), nodeFactsCommand(context, finish)];
  for (const command of commands) program.addCommand(command);
  for (const command of hidden) program.addCommand(command, { hidden: true });
  for (const command of [program, ...hidden, ...commands]) {
    command
      .exitOverride()
      .configureOutput({ writeOut: (text) => context.out(text), writeErr: (text) => context.err(text) })
      .showHelpAfterError(`(srtctl ${command === program ? '' : `${command.name()} `}--help tells more)`);
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.recipe;
  }
}
