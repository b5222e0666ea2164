/** The options of every command that reads recipes. */
import type { Command } from 'commander';
import type { Override } from '../recipe/variants/overrides.ts';

export interface RecipeOptions {
  /** Files, directories, `FILE:SELECTOR`, `-` for standard input. */
  readonly file: readonly string[];
  /** In the order of the command line. */
  readonly overrides: readonly Override[];
  /** Planned for this machine. */
  readonly local: boolean;
}

/** Adds them; the function returned reads them from what commander parsed. */
export function addRecipeOptions(command: Command): (flags: RecipeFlags) => RecipeOptions {
  const overrides: Override[] = [];
  const collect =
    (kind: Override['kind']) =>
    (text: string): null => {
      overrides.push({ kind, text });
      return null;
    };
  command
    .argument('[recipe...]', 'the same as -f')
    .option(
      '-f, --file <recipe>',
      'recipe, FILE:SELECTOR for some of its variants, directory, or - for standard input; may be repeated',
      append,
    )
    .option('--set <path=value>', 'change the recipe, such as benchmark.isl=1024; may be repeated', collect('set'))
    .option('--unset <path>', 'remove a key of the recipe; may be repeated', collect('unset'))
    .option('--setup-script <name>', 'setup_script of the recipe, another one', (name: string) =>
      collect('set')(`setup_script=${JSON.stringify(name)}`),
    )
    .option('--sweep', 'has no effect: a sweep is seen in the recipe', false)
    .option('--local', 'run on this machine: each node of the recipe is an address of its own', false);
  return ({ file = [], local }) => {
    const files = [...file, ...command.args];
    if (files.length === 0) command.error("error: required option '-f, --file <recipe>' not specified");
    return { file: files, local, overrides };
  };
}

export interface RecipeFlags {
  readonly file?: readonly string[];
  readonly local: boolean;
}

function append(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}
