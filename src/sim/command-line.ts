/** The flags of `sglang-sim`, made from the table of options. */
import { Command, Option } from 'commander';
import { findOptionProblem, flagOf, optionOf, SIM_OPTION_NAMES, type SimOptionName, type SimOptions } from './options.ts';

export interface SimCommand {
  readonly options: Partial<SimOptions>;
  /** Print the ready line as JSON. */
  readonly json: boolean;
}

export type ParsedCommand =
  | { readonly kind: 'run'; readonly command: SimCommand }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'bad'; readonly problems: readonly string[] };

/** Names that launch commands of SGLang use for the same thing. */
const ALIASES: Readonly<Record<string, SimOptionName>> = {
  '--model': 'modelPath',
  '--max-total-tokens': 'kvTokens',
  '--random-seed': 'seed',
};

const INTRODUCTION = `A simulated SGLang server: the HTTP API of SGLang 0.5.23, its scheduler and prefix cache as a model of time, and no GPU.
Text is made up, one byte a token, and the same for the same prompt and seed.`;

const EXAMPLES = `
Examples:
  sglang-sim --port 30000
  curl -sN 127.0.0.1:30000/generate -H 'content-type: application/json' \\
    -d '{"text":"Once upon a time","sampling_params":{"max_new_tokens":32},"stream":true}'

  A slow engine with a small cache:      sglang-sim --itl-ms 40 --prefill-tokens-per-sec 4000 --kv-tokens 20000
  A hundred times faster than real time: sglang-sim --speedup 100
  As inconvenient as the real one:       sglang-sim --faithful
  Break it while it runs:                curl -X POST 127.0.0.1:30000/sim/faults -d '{"kind":"cut","afterTokens":5,"count":1}'
  See what it has seen:                  curl 127.0.0.1:30000/sim/stats

SIGTERM: health says 503, requests (new ones too) are served, the program ends with the last one. SIGINT: it ends now.
A second signal ends it at once. Exit codes: 0 ended as asked, 2 bad flags, 1 the port could not be had.`;

/** `args`: what follows the program's name. Collects all problems instead of stopping at the first. */
export function parseCommandLine(args: readonly string[]): ParsedCommand {
  const program = new Command('sglang-sim').description(INTRODUCTION).helpOption('-h, --help', 'print this').addHelpText('after', EXAMPLES);
  program.configureHelp({ helpWidth: 120 });
  for (const name of SIM_OPTION_NAMES) {
    const option = optionOf(name);
    const shown = option.kind === 'switch' || option.default === '' ? '' : ` [default: ${option.default}]`;
    const value = option.kind === 'switch' ? '' : ` [${option.kind === 'text' ? 'text' : option.kind === 'choice' ? 'name' : 'number'}]`;
    program.addOption(new Option(flagOf(name) + value, option.help + shown).helpGroup(`${option.group}:`));
  }
  program.addOption(new Option('--json', 'print the ready line as JSON').helpGroup('Server:'));
  program.addOption(
    new Option('--ignore-unknown', 'accept flags of sglang.launch_server that mean nothing here, such as --tp 8').helpGroup('Server:'),
  );
  if (args.includes('-h') || args.includes('--help')) return { kind: 'help', text: helpText(program) };
  program.exitOverride().configureOutput({ writeErr: () => {} });
  const { operands, unknown } = program.parseOptions(args.map(withoutAlias));
  const given = new Map<string, unknown>(Object.entries(program.opts()));
  const problems: string[] = [];
  if (given.get('ignoreUnknown') !== true) {
    for (const word of unknown.filter((word) => word.startsWith('-')))
      problems.push(`${word}: unknown flag; --help lists those there are, --ignore-unknown skips others`);
    for (const word of operands) problems.push(`"${word}": unexpected; only flags are taken`);
  }
  const options: Record<string, unknown> = {};
  for (const name of SIM_OPTION_NAMES) {
    if (!given.has(name)) continue;
    const text = given.get(name);
    const value = ['number', 'integer'].includes(optionOf(name).kind) ? numberFrom(text) : text;
    const problem = text === true && optionOf(name).kind !== 'switch' ? 'expected a value' : findOptionProblem(name, value);
    if (problem !== null) problems.push(`${flagOf(name)}${text === true ? '' : ` "${String(text)}"`}: ${problem}`);
    options[name] = value;
  }
  if (problems.length > 0) return { kind: 'bad', problems };
  // Every member was checked by findOptionProblem.
  return { kind: 'run', command: { options: options as Partial<SimOptions>, json: given.get('json') === true } };
}

function withoutAlias(arg: string): string {
  const [flag = '', value] = arg.split(/=(.*)/s, 2);
  const name = ALIASES[flag];
  if (name === undefined) return arg;
  return value === undefined ? flagOf(name) : `${flagOf(name)}=${value}`;
}

function numberFrom(text: unknown): number {
  return typeof text === 'string' && text.trim() !== '' ? Number(text) : Number.NaN;
}

function helpText(program: Command): string {
  let text = '';
  program.configureOutput({
    writeOut: (piece) => {
      text += piece;
    },
  });
  program.outputHelp();
  // Values are optional to the parser only, so that a missing one is told with the other problems.
  return text.replaceAll(/\[(text|number|name)\]/g, '<$1>');
}
