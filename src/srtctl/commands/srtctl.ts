/** The command line of srtctl: its sub-commands, and how they end. */
import { Command, CommanderError } from 'commander';
import { benchCommand } from './bench.ts';
import { EXIT } from './exit-codes.ts';
import type { Surroundings } from './surroundings.ts';

/** Runs one command line (without the names of node and program). Returns the exit code; rejects only for a bug. */
export async function runSrtctl(argv: readonly string[], version: string, around: Surroundings): Promise<number> {
  let code: number = EXIT.ok;
  const finish = (its: number): void => {
    code = its;
  };
  const program = new Command('srtctl')
    .description('bring up fleets of SGLang engines from recipes')
    .version(`srtctl ${version}`, '-V, --version');
  const commands = [benchCommand(around, finish)];
  for (const command of commands) program.addCommand(command);
  for (const command of [program, ...commands]) {
    command
      .exitOverride()
      .configureOutput({ writeOut: (text) => around.out(text), writeErr: (text) => around.err(text) })
      .showHelpAfterError(`(srtctl ${command === program ? '' : `${command.name()} `}--help tells more)`);
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.ok : EXIT.recipe;
  }
}
