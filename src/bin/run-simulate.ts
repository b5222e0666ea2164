/** The sub-command `router simulate` as a program. */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseSimulate } from '../simulate/program/command-line.ts';
import { simulate } from '../simulate/program/simulate.ts';
import { EXIT_USAGE } from './start-failure.ts';

/** Resolves with the exit status. */
export function runSimulate(argv: readonly string[]): number {
  const command = parseSimulate(argv);
  if (command.kind !== 'run') {
    (command.kind === 'help' ? process.stdout : process.stderr).write(command.text);
    return command.kind === 'help' ? 0 : EXIT_USAGE;
  }
  try {
    simulate(command.options, {
      readFile: (path) => readFileSync(path, 'utf8'),
      writeFile: (path, text) => writeFileSync(path, text),
      print: (text) => process.stdout.write(text),
    });
    return 0;
  } catch (error) {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}
