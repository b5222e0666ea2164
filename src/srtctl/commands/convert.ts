/** `srtctl convert`: a recipe in the keys of the other schema, with the same plans. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Command, Option } from 'commander';
import { type Converted, convertRecipe } from '../recipe/load/convert-recipe.ts';
import { readText } from '../recipe/load/read-files.ts';
import { EXIT_CODES } from '../supervise/run-directory.ts';
import type { CommandContext } from './command-context.ts';
import { samePlans } from './same-plans.ts';

const EXAMPLES = `
Examples:
  srtctl convert -f recipe.yaml                 prints it in the other schema: roles and engine (2), or resources and backend (1)
  srtctl convert -f recipe.yaml --to 2 --in-place

Comments are kept. What is written has the same plans as the file, or nothing is written. Ends with 0, or with 2.`;

interface ConvertFlags {
  readonly file: string;
  readonly to?: '1' | '2';
  readonly inPlace: boolean;
  readonly output?: string;
}

export function convertCommand(context: CommandContext, finish: (code: number) => void): Command {
  return new Command('convert')
    .description('write a recipe in the keys of schema 1 or 2, with the same plan')
    .requiredOption('-f, --file <file>', 'the recipe')
    .addOption(new Option('--to <schema>', 'the schema to write (default: the other one)').choices(['1', '2']))
    .option('--in-place', 'change the file', false)
    .option('-o, --output <file>', 'write to this file')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: ConvertFlags) => finish(await convert(flags, context)));
}

async function convert({ file, to, inPlace, output }: ConvertFlags, context: CommandContext): Promise<number> {
  const read = readText(path.resolve(context.workingDirectory, file));
  if (!read.ok) {
    context.err(`${file}: ${read.problem.message}\n`);
    return EXIT_CODES.recipe;
  }
  const converted: Converted = convertRecipe(read.text, to === undefined ? null : to === '2' ? 2 : 1);
  const why = converted.ok ? samePlans(read.text, converted.text, file, context) : converted.why;
  if (!converted.ok || why !== null) {
    context.err(`${file}: ${why}\n`);
    return EXIT_CODES.recipe;
  }
  const target = inPlace ? file : (output ?? null);
  if (target === null) context.out(converted.text);
  else {
    await writeFile(path.resolve(context.workingDirectory, target), converted.text);
    context.out(`${target}: schema ${converted.schema}\n`);
  }
  return EXIT_CODES.ok;
}
