/** The flags of `sglang-sim`, made from the table of options. */
import { Command, Option } from 'commander';
import { ENGINE_SPELLINGS } from '../../base/config/engine-spellings.ts';
import { nearest } from '../../base/config/suggest.ts';
import {
  completeOptions,
  findOptionProblem,
  flagOf,
  optionOf,
  SIM_OPTION_NAMES,
  type SimOptionName,
  type SimOptions,
} from '../engine/options.ts';
import { isSglangFlag } from './sglang-flags.ts';

export interface SimCommand {
  readonly options: Partial<SimOptions>;
  /** Print the ready line as JSON. */
  readonly json: boolean;
  /** Ignored flags of SGLang, with their values. */
  readonly ignored: readonly string[];
}

export type ParsedCommand =
  | { readonly kind: 'run'; readonly command: SimCommand }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }
  | { readonly kind: 'bad'; readonly problems: readonly string[] };

/** Names that launch commands of SGLang use for the same thing. */
const ALIASES: ReadonlyMap<string, SimOptionName> = new Map([
  ['--max-total-tokens', 'kvTokens'],
  ['--random-seed', 'seed'],
  ...spellings(ENGINE_SPELLINGS.modelPath, 'modelPath'),
  ...spellings(ENGINE_SPELLINGS.tensor, 'tpSize'),
  ...spellings(ENGINE_SPELLINGS.data, 'dpSize'),
  ...spellings(ENGINE_SPELLINGS.pipeline, 'ppSize'),
  ...spellings(ENGINE_SPELLINGS.expert, 'epSize'),
  ...spellings(ENGINE_SPELLINGS.distInitAddr, 'distInitAddr'),
]);

const TAKES_VALUE: ReadonlySet<string> = new Set(SIM_OPTION_NAMES.filter((name) => optionOf(name).kind !== 'switch').map(flagOf));
const OWN_FLAGS: ReadonlySet<string> = new Set([...SIM_OPTION_NAMES.map(flagOf), '--json', '--ignore-unknown']);
/** Flags of SGLang that enable what is always enabled here. */
const IN_FORCE: ReadonlySet<string> = new Set(['--enable-metrics', '--enable-cache-report']);

const INTRODUCTION = `A simulated SGLang server: the HTTP API of SGLang 0.5.23, its scheduler and prefix cache as a model of time, and no GPU.
Text consists of English words, one token per byte, the same for the same prompt and seed.`;

const EXAMPLES = `
Examples:
  sglang-sim --port 30000
  curl -sN 127.0.0.1:30000/generate -H 'content-type: application/json' \\
    -d '{"text":"Once upon a time","sampling_params":{"max_new_tokens":32},"stream":true}'

  A slow engine with a small cache:      sglang-sim --itl-ms 40 --prefill-tokens-per-sec 4000 --kv-tokens 20000
  A hundred times faster than real time: sglang-sim --speedup 100
  As inconvenient as the real one:       sglang-sim --faithful
  Break it while it runs:                curl -X POST 127.0.0.1:30000/sim/faults -d '{"kind":"cut","afterTokens":5,"count":1}'
  Show its counters:                     curl 127.0.0.1:30000/sim/stats
  One half of a pair, and the other:     sglang-sim --port 30001 --disaggregation-mode prefill
                                         sglang-sim --port 30002 --disaggregation-mode decode

SIGTERM: health answers 503, old and new requests are served, the program exits after the last one. SIGINT, or a second
signal: it exits at once. Exit codes: 0 stopped, 1 the port is taken, 2 bad flags.`;

/**
 * `args`: what follows the program's name; `env`: variables of the real engine. Reports all problems at once. Flags that only
 * SGLang has are ignored with their values and listed; unknown flags are problems.
 */
export function parseCommandLine(args: readonly string[], env: Readonly<Record<string, string | undefined>> = {}): ParsedCommand {
  const program = programOf();
  if (args.includes('-h') || args.includes('--help')) return { kind: 'help', text: helpText(program) };
  if (args.includes('-V') || args.includes('--version')) return { kind: 'version' };
  program.exitOverride().configureOutput({ writeErr: () => {} });
  const { own, ignored, strange, words } = sortArguments(args);
  program.parseOptions([...own]);
  const given = new Map<string, unknown>(Object.entries(program.opts()));
  const problems: string[] = [];
  const skipsUnknown = given.get('ignoreUnknown') === true;
  if (!skipsUnknown) {
    for (const [flag = ''] of strange) {
      const near = nearest(flag, OWN_FLAGS);
      const hint = near === null ? '--help lists all flags' : `did you mean ${near}?`;
      problems.push(`${flag}: neither a flag of this program nor one of SGLang; ${hint}; --ignore-unknown skips it`);
    }
    for (const word of words) problems.push(`"${word}": unexpected; only flags are taken`);
  }
  const options: Record<string, unknown> = {};
  for (const name of SIM_OPTION_NAMES) {
    const option = optionOf(name);
    const fromEnv = given.has(name) || option.env === undefined ? undefined : env[option.env];
    if (!given.has(name) && (fromEnv === undefined || fromEnv === '')) continue;
    const text = given.has(name) ? given.get(name) : fromEnv;
    const value = option.kind === 'number' || option.kind === 'integer' ? numberFrom(text) : text;
    const problem = text === true && option.kind !== 'switch' ? 'expected a value' : findOptionProblem(name, value);
    const source = fromEnv === undefined ? flagOf(name) : option.env;
    if (problem !== null) problems.push(`${source}${text === true ? '' : ` "${String(text)}"`}: ${problem}`);
    options[name] = value;
  }
  // Every member was checked by findOptionProblem.
  const complete = options as Partial<SimOptions>;
  if (problems.length === 0) problems.push(...findCrossProblems(complete));
  if (problems.length > 0) return { kind: 'bad', problems };
  const skipped = skipsUnknown ? [...ignored, ...strange] : ignored;
  return { kind: 'run', command: { options: complete, json: given.get('json') === true, ignored: skipped.map((flag) => flag.join(' ')) } };
}

function spellings(names: readonly string[], option: SimOptionName): readonly (readonly [string, SimOptionName])[] {
  return names.map((name) => [`--${name}`, option]);
}

function programOf(): Command {
  const program = new Command('sglang-sim').description(INTRODUCTION).helpOption('-h, --help', 'print this').addHelpText('after', EXAMPLES);
  program.configureHelp({ helpWidth: 120 });
  for (const name of SIM_OPTION_NAMES) {
    const option = optionOf(name);
    const shown = option.kind === 'switch' || option.default === '' ? '' : ` [default: ${option.default}]`;
    const value = option.kind === 'switch' ? '' : ` [${option.kind === 'text' ? 'text' : option.kind === 'choice' ? 'name' : 'number'}]`;
    program.addOption(new Option(flagOf(name) + value, option.help + shown).helpGroup(`${option.group}:`));
  }
  program.addOption(new Option('-V, --version', 'print the version').helpGroup('Server:'));
  program.addOption(new Option('--json', 'print the ready line as JSON').helpGroup('Server:'));
  program.addOption(
    new Option('--ignore-unknown', 'skip flags that neither this program nor SGLang has, instead of refusing them').helpGroup('Server:'),
  );
  return program;
}

interface SortedArguments {
  /** For this program; values after an equals sign. */
  readonly own: readonly string[];
  /** Ignored flags of SGLang, each with its values. */
  readonly ignored: readonly (readonly string[])[];
  /** Unknown flags, each with its values. */
  readonly strange: readonly (readonly string[])[];
  /** Words that belong to no flag. */
  readonly words: readonly string[];
}

/** A flag of this program takes at most one value, any other flag all words up to the next flag. */
function sortArguments(args: readonly string[]): SortedArguments {
  const own: string[] = [];
  const ignored: string[][] = [];
  const strange: string[][] = [];
  const words: string[] = [];
  let others: string[] | null = null;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (!isFlag(arg)) {
      (others ?? words).push(arg);
      continue;
    }
    const [written = '', value] = arg.split(/=(.*)/s, 2);
    const alias = ALIASES.get(written);
    const flag = alias === undefined ? written : flagOf(alias);
    others = null;
    if (OWN_FLAGS.has(flag)) {
      const next = args[at + 1];
      const takesNext = value === undefined && TAKES_VALUE.has(flag) && next !== undefined && !isFlag(next);
      if (takesNext) at++;
      const text = takesNext ? next : value;
      own.push(text === undefined ? flag : `${flag}=${text}`);
    } else if (!IN_FORCE.has(flag)) {
      others = value === undefined ? [flag] : [flag, value];
      (isSglangFlag(flag) ? ignored : strange).push(others);
    }
  }
  return { own, ignored, strange, words };
}

/** Not a word, and not a negative number. */
function isFlag(arg: string): boolean {
  return /^-[^\d.]/.test(arg);
}

function findCrossProblems(options: Partial<SimOptions>): readonly string[] {
  try {
    completeOptions(options);
    return [];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return error.message.split('\n');
  }
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
  // The parser treats values as optional, so that a missing one is reported with the other problems.
  return text.replaceAll(/\[(text|number|name)\]/g, '<$1>');
}
