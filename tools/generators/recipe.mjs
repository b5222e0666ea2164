// docs/recipe-reference.md from the schemas of recipes and cluster files.
import { z } from 'zod';
import { CLUSTER } from '../../dist/srtctl/recipe/schema/cluster-schema.js';
import { RECIPE, REQUIRED } from '../../dist/srtctl/recipe/schema/recipe-schema.js';

const INTRODUCTION = `# Recipe reference

<!-- Written by tools/generate.mjs from src/srtctl/recipe/schema. Do not edit. -->

A recipe is one YAML 1.2 file. A key that is not listed here is an error with file, line, column and a suggestion; all errors are told at
once. A key without a value counts as not given. [recipe.schema.json](recipe.schema.json) and
[srtslurm.schema.json](srtslurm.schema.json) are the JSON Schemas for editors; for the YAML language server the first line is

    # yaml-language-server: $schema=docs/recipe.schema.json

## Two spellings of router mode

The first srtctl had the keys of router mode under \`backend:\`, later ones have them under \`frontend:\`. Both are understood and mean the
same; giving both with different values is an error. \`backend.use_sglang_router: true\` is \`frontend.type: sglang\`.

## Flags, environments, secrets

- Flags in \`sglang_config\` and \`frontend.args\` are written without leading dashes, with \`-\` or \`_\`. \`true\` gives the flag alone, \`false\`
  and no value give no flag, a list gives several words, a block of keys gives one word of JSON.
- \`host\`, \`dist-init-addr\`, \`nnodes\` and \`node-rank\` come from the plan; in a recipe they are left out with a warning.
- \`frontend.args\` of the bundled router are judged as the router itself judges its flags ([configuration.md](configuration.md)), before anything
  starts; those of \`sglang_router\` are passed on as they are.
- Values of environments are text as written: \`08\` is \`08\`.
- \`yes\`, \`no\`, \`on\` and \`off\` are text in YAML 1.2; where that could be a mistake they are an error.
- Host paths (\`model.path\`, mounts, \`sglang_src_dir\`, \`output_dir\`) may begin with \`~\` and hold \`$NAME\` or \`\${NAME}\`, taken from the
  environment of srtctl. Nothing else is evaluated; only \`setup_script\`, \`default_bash_preamble\` and \`benchmark.command\` are commands.
- Values of keys that look secret (\`HF_TOKEN\`, \`api-key\`, \`..._PASSWORD\`, \`..._SECRET\`), and values tagged \`!secret\`, are replaced by \`***\` in
  every file, log and message.
- Keys at the top that begin with \`x-\` are ignored: a place for YAML anchors. \`<<\` merges maps.

## Changing a recipe from the command line

    srtctl plan -f recipe.yaml --set backend.sglang_config.prefill.tp-size=8 --set 'benchmark.concurrencies=[16, 32]' --unset slurm.account

The value is YAML, so it has a type: \`8\` is a number, \`"8"\` is text. Keys that hold \`.\` or \`=\` stand in double quotes
(\`container_mounts."/a.b"\`), positions in lists are numbers from 0. \`--set\` and \`--unset\` apply, in their order, to every variant, before a sweep.

## Variants: base and override_*

    base: {...}                    # a recipe
    override_tp8: {...}            # merged onto base: maps key by key, lists replaced, null removes
    zip_override_sizes: {...}      # every list in it is walked in step: one recipe for each position

A file with \`base\` holds one recipe for each \`override_NAME\`, named \`<name>_NAME\` unless the override says \`name\`, and one for each position
of \`zip_override_NAME\`; there a list of one element counts for every position, and a list of lists gives lists. \`-f file.yaml:SELECTOR\` picks: \`base\`,
\`override_tp8\` or \`tp8\`, \`zip_override_sizes[2]\`, with \`*\` and \`?\`. Without a selector all but \`base\` are taken.

## Sweeps

    sweep:
      tp: [4, 8]                   # replaces {tp} in every text; a text that is only {tp} becomes the value itself
      benchmark.isl: [1024, 8192]  # a name with dots is a path, set there

Every combination becomes a recipe, named \`<name>_tp4_isl1024\` unless the name holds placeholders itself. To take first with first and second
with second:

    sweep:
      mode: zip
      parameters: {benchmark.isl: [1024, 8192], benchmark.osl: [128, 1024]}

At most 1,000 recipes come out of one file.
`;

const CLUSTER_INTRODUCTION = `## Cluster file

\`srtslurm.yaml\` says what is the same for all recipes of a cluster. It is the file that \`SRTSLURM_CONFIG\` names, else \`srtslurm.yaml\` in the working
directory, its parent or the one above; none is needed. It is judged as strictly as a recipe.
[recipes/srtslurm.example.yaml](../recipes/srtslurm.example.yaml) is an example.
`;

function recipePage() {
  const parts = [INTRODUCTION, '## Keys of a recipe\n', ...tables(RECIPE, REQUIRED), CLUSTER_INTRODUCTION, ...tables(CLUSTER, [])];
  return `${parts.join('\n').trimEnd()}\n`;
}

/** One table for the keys at the top, one for each block. */
function tables(schema, required) {
  const top = [];
  const blocks = [];
  const visit = (object, above) =>
    Object.entries(object.shape).flatMap(([key, value]) => {
      const path = [...above, key];
      const inner = value instanceof z.ZodOptional ? value.unwrap() : value;
      const meta = inner.meta() ?? {};
      if (inner instanceof z.ZodObject) {
        // Taken before its own blocks are visited: a block stands above those inside of it.
        const at = blocks.push('') - 1;
        blocks[at] = `### ${path.join('.')}\n\n${meta.description}.\n\n${table(visit(inner, path))}`;
        return [];
      }
      const isRequired = required.some((one) => one.join('.') === path.join('.'));
      return [
        { key, expected: meta.expected ?? '', unset: isRequired ? 'required' : (meta.unset ?? ''), description: meta.description ?? '' },
      ];
    });
  top.push(...visit(schema, []));
  return [table(top), ...blocks];
}

function table(rows) {
  const lines = rows.map((row) => {
    const cells = [
      `\`${row.key}\``,
      row.expected,
      row.unset === '' || row.unset === 'required' ? row.unset : shownUnset(row.unset),
      row.description,
    ];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return ['| Key | Value | Default | Meaning |', '| --- | --- | --- | --- |', ...lines, ''].join('\n');
}

/** Values as code, words as words. */
function shownUnset(unset) {
  return /^("[^"]*"|\d[\d.]*|true|false|\{\}|\[\])$/.test(unset) ? `\`${unset.replaceAll('"', '')}\`` : unset;
}

export function outputs() {
  return [{ file: 'docs/recipe-reference.md', text: recipePage() }];
}
