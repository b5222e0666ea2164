/** The flags of `router simulate`. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { SchedulerSettings } from '../../sim/scheduling/scheduler.ts';
import { COMPARED } from '../compared.ts';
import { ENGINE } from '../engine-settings.ts';
import { TRAFFIC_KINDS } from '../traffic/kinds.ts';

export interface SimulateOptions {
  readonly policies: readonly string[];
  /** Names of generators, or paths of traffic files. */
  readonly traffic: readonly string[];
  readonly seeds: readonly number[];
  readonly workers: number;
  readonly seconds: number;
  readonly load: number;
  readonly usage: boolean;
  readonly json: string | null;
  readonly writeTraffic: string | null;
  readonly engine: SchedulerSettings;
}

export type SimulateCommand =
  | { readonly kind: 'run'; readonly options: SimulateOptions }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'bad'; readonly text: string };

/** Settings of the engines that a simulation may change, with the flags of sglang-sim. */
const ENGINE_FLAGS = [
  ['prefillTokensPerSec', '--prefill-tokens-per-sec <n>', 'prompt tokens that an engine computes per second'],
  ['stepOverheadMs', '--step-overhead-ms <n>', 'fixed time of a prefill step'],
  ['itlMs', '--itl-ms <n>', 'time of a decode step'],
  ['itlPerRequestMs', '--itl-per-request-ms <n>', 'time that each running request adds to it'],
  ['kvTokens', '--kv-tokens <n>', 'KV cache of an engine'],
  ['chunkedPrefillSize', '--chunked-prefill-size <n>', 'most prompt tokens in one step'],
  ['maxRunningRequests', '--max-running-requests <n>', 'most requests that run at the same time'],
] as const;

export function parseSimulate(argv: readonly string[]): SimulateCommand {
  let output = '';
  const command = new Command('router simulate')
    .description('Compare policies on simulated engines in virtual time. Prints a table; times are seconds.')
    .exitOverride()
    .configureOutput({ writeOut: (text) => (output += text), writeErr: (text) => (output += text) })
    .addOption(
      new Option('--policies <names>', `comma-separated: ${COMPARED.join(', ')}`)
        .argParser(policyNames)
        .default(['round_robin', 'cache_aware', 'least_wait']),
    )
    .addOption(
      new Option('--traffic <names>', `comma-separated: all, ${TRAFFIC_KINDS.map(({ name }) => name).join(', ')}, or a file`)
        .argParser(list)
        .default(['all']),
    )
    .addOption(new Option('--seeds <numbers>', 'one run for each').argParser(numbers).default([1, 2, 3]))
    .addOption(new Option('--workers <n>', 'at the start').argParser(wholeNumber).default(8))
    .addOption(new Option('--seconds <n>', 'of traffic in each run').argParser(positive).default(600))
    .addOption(new Option('--load <factor>', 'of all request rates').argParser(positive).default(1))
    .option('--no-usage', 'answers do not count their tokens')
    .option('--json <file>', 'write all measurements there')
    .option('--write-traffic <file>', 'write the traffic of the first kind and seed there, and run nothing');
  for (const [key, flag, help] of ENGINE_FLAGS) {
    command.addOption(new Option(flag, `engine: ${help}`).argParser(positive).default(ENGINE[key]));
  }
  try {
    command.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.code === 'commander.helpDisplayed' ? { kind: 'help', text: output } : { kind: 'bad', text: output };
  }
  if (command.args.length > 0) return { kind: 'bad', text: `error: unexpected argument ${command.args[0]}\n` };
  const given = command.opts<Omit<SimulateOptions, 'engine' | 'json' | 'writeTraffic'> & Record<string, unknown>>();
  const engine = Object.fromEntries(ENGINE_FLAGS.map(([key]) => [key, given[key]]));
  return {
    kind: 'run',
    options: {
      ...given,
      traffic: given.traffic.flatMap((name) => (name === 'all' ? TRAFFIC_KINDS.map((kind) => kind.name) : [name])),
      json: typeof given['json'] === 'string' ? given['json'] : null,
      writeTraffic: typeof given['writeTraffic'] === 'string' ? given['writeTraffic'] : null,
      engine: { ...ENGINE, ...engine },
    },
  };
}

function list(text: string): readonly string[] {
  return text.split(',').filter((name) => name !== '');
}

function policyNames(text: string): readonly string[] {
  const names = list(text);
  const unknown = names.find((name) => !COMPARED.includes(name));
  if (unknown !== undefined) throw new InvalidArgumentError(`${unknown} is none of ${COMPARED.join(', ')}.`);
  return names;
}

function numbers(text: string): readonly number[] {
  const values = list(text).map(Number);
  if (values.length === 0 || !values.every(Number.isSafeInteger)) throw new InvalidArgumentError('expected whole numbers.');
  return values;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1e9)) throw new InvalidArgumentError('expected a number above 0.');
  return value;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!(Number.isSafeInteger(value) && value >= 1 && value <= 1024)) throw new InvalidArgumentError('expected 1 to 1024.');
  return value;
}
