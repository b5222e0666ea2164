/** The command line of a race. */
import { parseArgs } from 'node:util';
import { CHECK_ENTRANTS, CHECK_WORKLOADS } from './self-check.ts';
import type { WindowSettings } from './window.ts';
import { DEFAULT_WORKLOADS, WORKLOADS } from './workloads.ts';

export const HELP = `npm run bench:race -- [options]

  --only NAME,...       entrants, or what stands before their slash (ours, sglang-router); both nginx always run
  --workloads NAME,...  of ${Object.keys(WORKLOADS).join(', ')}  [default: ${DEFAULT_WORKLOADS.join(',')}]
  --rounds N            [default: 12]
  --seconds S           length of a window; of streams twice that  [default: 0.6]
  --warmup S            before each window  [default: 0.5]
  --phases N            points of a 20 ms step over which a worker spreads its streams; 1: all at once  [default: 20]
  --policies NAME,...   of this router  [default: round_robin,cache_aware]
  --also NAME=COMMAND   one more router, e.g. another build; {port}, {metrics_port}, {policy} are filled in, and {workers} as the
                        worker URLs; paths absolute, for it runs in a folder of its own; may be repeated
  --fresh               start every proxy anew for every round
  --json FILE           write everything that was measured
  --from FILE           print the tables of such a file, measure nothing
  --self-check          does the race itself tell the truth?
  --list                the entrants, and what is missing for those that cannot run here
  --help

Environment: PEERS_PYTHON, a python that has the packages sglang-router and smg.
`;

export interface RaceOptions extends WindowSettings {
  readonly only: readonly string[] | null;
  readonly workloads: readonly string[];
  readonly rounds: number;
  readonly policies: readonly string[];
  readonly also: readonly string[];
  readonly isFresh: boolean;
  readonly jsonFile: string | null;
  readonly fromFile: string | null;
  readonly isSelfCheck: boolean;
  readonly wantsList: boolean;
  readonly wantsHelp: boolean;
}

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${flag} "${text}": expected a number above 0`);
  return value;
}

const names = (text: string): string[] => text.split(',').filter(Boolean);

/** Throws an Error with a message for the user. */
export function parseOptions(args: readonly string[]): RaceOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      workloads: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string', default: '0.6' },
      warmup: { type: 'string', default: '0.5' },
      phases: { type: 'string', default: '20' },
      policies: { type: 'string', default: 'round_robin,cache_aware' },
      also: { type: 'string', multiple: true, default: [] },
      fresh: { type: 'boolean', default: false },
      json: { type: 'string' },
      from: { type: 'string' },
      'self-check': { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const isSelfCheck = values['self-check'];
  const workloads = values.workloads === undefined ? (isSelfCheck ? CHECK_WORKLOADS : DEFAULT_WORKLOADS) : names(values.workloads);
  const unknown = workloads.find((name) => !Object.hasOwn(WORKLOADS, name));
  if (unknown !== undefined) throw new Error(`--workloads "${unknown}": expected ${Object.keys(WORKLOADS).join(', ')}`);
  return {
    only: isSelfCheck ? CHECK_ENTRANTS : values.only === undefined ? null : names(values.only),
    workloads,
    rounds: positive('rounds', values.rounds ?? (isSelfCheck ? '10' : '12')),
    seconds: positive('seconds', values.seconds),
    warmup: positive('warmup', values.warmup),
    phases: positive('phases', values.phases),
    policies: names(values.policies),
    also: values.also,
    isFresh: values.fresh,
    jsonFile: values.json ?? null,
    fromFile: values.from ?? null,
    isSelfCheck,
    wantsList: values.list,
    wantsHelp: values.help,
  };
}
