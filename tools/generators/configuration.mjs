// docs/configuration.md from the schema of settings.
import { BUILT, KNOWN } from '../../dist/router/config/catalogue.js';
import { defaultText } from '../../dist/router/config/help.js';
import { GROUPS } from '../../dist/router/setting/setting.js';

const INTRODUCTION = `# Configuration

<!-- Written by tools/generate.mjs from src/router/config. Do not edit. -->

A setting can be given in four places. The first that has it wins:

1. a flag: \`--worker-urls http://a:30000,http://b:30002\`
2. an environment variable: \`SGLANG_ROUTER_WORKER_URLS="http://a:30000,http://b:30002"\` (an empty one counts as not set)
3. the YAML file named by \`--config\` (or \`SGLANG_ROUTER_CONFIG\`): \`worker-urls: [http://a:30000, http://b:30002]\`; keys may be written
   with \`-\` or \`_\`, and [config.schema.json](config.schema.json) is its JSON Schema
4. the default

"From" in the tables says where a setting comes from: the first version of the router, sglang_router 0.3.2, or this program (new).

"Reload" marks settings that [a reload](reload.md) changes while requests run. The others need a restart.

Everything that is given is checked, also what another place overrides, and all problems are reported at once with flag, value, place and
what was expected; the exit status is then 2. \`--check-config\` does only that, and prints the settings in force as JSON that can serve as
a configuration file.

## The command line

- \`--flag value\` and \`--flag=value\` mean the same. Of a flag given twice the last one counts, except for lists, which add up.
- Lists may be separated by commas, by spaces (several words after the flag), or by repeating the flag.
- A switch is on when it is there. \`--switch=false\` takes back what the file or the environment switched on.
- A flag may be shortened as long as it stays unambiguous. Flags of sglang_router 0.3.2 go first: what abbreviates one of them
  there does so here.
- A leading word \`launch\` or \`start\` is accepted and changes nothing.
- A service named \`sglang-router\` makes Kubernetes set \`SGLANG_ROUTER_PORT=tcp://...\` and the like in every pod beside it. These
  are not taken for settings.
`;

const KNOWN_INTRODUCTION = `## Flags that are known but not available yet

These flags of other versions of the router are understood, but what they ask for does not exist in this version. So that nothing is
ignored in silence, giving one is an error, unless its value asks for nothing: the values in the last column are accepted. "with a
warning" marks a value that is accepted although what it stands for is missing.
`;

function configurationPage() {
  const parts = [INTRODUCTION];
  for (const [group, title] of Object.entries(GROUPS)) {
    const rows = BUILT.flatMap((entry) => (entry.setting.built && entry.setting.group === group ? [builtRow(entry, entry.setting)] : []));
    parts.push(`## ${title}\n`, table(['Flag', 'Type', 'Default', 'From', 'Reload', 'Meaning'], rows));
  }
  parts.push(`${LAUNCH_ROUTER}\n`, table(['Flag', 'Default', 'Default there'], BUILT.flatMap(dialectRow)));
  parts.push(KNOWN_INTRODUCTION);
  for (const [origin, title] of [
    ['0.3.2', 'sglang_router 0.3.2'],
    ['smg', 'smg'],
  ]) {
    const rows = KNOWN.flatMap((entry) =>
      !entry.setting.built && entry.setting.origin === origin ? [knownRow(entry, entry.setting)] : [],
    );
    parts.push(`### ${title}\n`, table(['Flag', 'Type', 'What is missing', 'Accepted values'], rows));
  }
  return `${parts.join('\n').trimEnd()}\n`;
}

const LAUNCH_ROUTER = `## Defaults of launch_router

A program that stands in for \`python -m sglang_router.launch_router\` starts the router with that program's defaults. They differ in:`;
function dialectRow({ flag, setting }) {
  if (!setting.built || setting.sameAs !== undefined || setting.launchRouterDefault === undefined) return [];
  return [[code(flag), code(defaultText(setting, 'seed')), code(defaultText(setting, 'launch_router'))]];
}

const ORIGINS = { seed: 'first version', '0.3.2': '0.3.2', smg: 'smg', ours: 'new' };
function builtRow({ flag }, setting) {
  const aliases = (setting.aliases ?? []).map(
    (alias) => `${code(alias.flag)}${alias.value === undefined ? '' : ` for ${code(alias.value)}`}`,
  );
  const about = aliases.length === 0 ? setting.describe : `${setting.describe}. Also ${aliases.join(', ')}`;
  const isText = setting.sameAs !== undefined || setting.default === null || setting.default === '';
  const standard = defaultText(setting, 'seed');
  return [
    code(flag),
    typeText(setting),
    isText || standard === '' ? standard : code(standard),
    ORIGINS[setting.origin],
    setting.reloadable === true ? 'yes' : '',
    about,
  ];
}

function typeText({ shape, unit }) {
  if (shape.choices !== null) return shape.choices.map(code).join(', ');
  const range = shape.arity === 'one' && shape.type !== 'string' ? shape.expected.replace(/^an? /, '') : shape.type;
  return unit === undefined ? range : `${range}, ${unit}`;
}

function knownRow({ flag }, setting) {
  const names = [flag, ...(setting.aliases ?? []).map((alias) => alias.flag)].map(code).join(', ');
  if (setting.noEffect !== undefined) return [names, typeText(setting), setting.noEffect, 'all, with a warning'];
  const missing = setting.feature.replace(/ (?:is|are)$/, '');
  const standard = valueText(setting.default);
  const accepted = setting.accepted.map(valueText);
  if (standard !== '') accepted.unshift(setting.whenDefault === 'idle' ? standard : `${standard} with a warning`);
  return [names, typeText(setting), missing, accepted.filter((value) => value !== '').join(', ')];
}

function valueText(value) {
  return value === null || Array.isArray(value) ? '' : code(String(value));
}

function code(text) {
  return text === '' ? '' : `\`${text}\``;
}

function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return `${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`;
}

export function outputs() {
  return [{ file: 'docs/configuration.md', text: configurationPage() }];
}
