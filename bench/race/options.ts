/** The command line of a race. */
import { parseArgs } from 'node:util';
import type { NodeOptions } from './entrants/builds.ts';
import { CHECK_ENTRANTS, CHECK_WORKLOADS } from './self-check.ts';
import type { WindowSettings } from './window.ts';
import { AGAINST_WORKLOADS, DEFAULT_WORKLOADS, QUICK_WORKLOADS, WORKLOADS } from './workloads.ts';

const QUICK_ROUNDS = '5';
const QUICK_SECONDS = '0.4';

export const HELP = `npm run bench:race -- [options]                 this router against other proxies
npm run bench:race -- --against DIR [options]   this build (new) against the one in DIR/dist (old)

Two builds
  --against DIR         a checkout with a built dist/; prints new/old and a verdict for each workload (about 5 minutes)
  --old-node='OPTIONS'  options of Node for the old build, --new-node='OPTIONS' for the new one: with --against . the race compares
                        settings of one build; absolute paths
  --no-confirm          do not repeat the rounds of workloads that look dearer (as with --quick)

Other proxies
  --only NAME,...       entrants, or the part before their slash (ours, sglang-router); both nginx always run
  --also NAME=COMMAND   one more router; the race fills in {port}, {metrics_port}, {policy} and {workers} (the worker URLs);
                        absolute paths, since the race starts it in another folder; may be repeated
  --self-check          measure what the race itself gets wrong
  --list                print the entrants, and what is missing for those that cannot run here

Both
  --quick               about half a minute: ${QUICK_ROUNDS} rounds of ${QUICK_WORKLOADS.join(',')}, windows of ${QUICK_SECONDS} s
  --workloads NAME,...  of ${Object.keys(WORKLOADS).join(', ')}
                        [default: ${DEFAULT_WORKLOADS.join(',')}; two builds: ${AGAINST_WORKLOADS.join(',')}]
  --rounds N            [default: 12]
  --seconds S           length of a window; windows of streams are twice as long  [default: 0.6]
  --warmup S            load before each window  [default: 0.5]
  --phases N            points of a 20 ms step over which a worker spreads its streams; 1: all at once  [default: 20]
  --policies NAME,...   of this router  [default: round_robin,cache_aware; two builds: round_robin]
  --idle S              seconds without load before each workload of a round  [default: 0]
  --fresh               restart every proxy for every round
  --json FILE           write everything that was measured, verdicts included
  --from FILE           print the tables of such a file without measuring
  --help

Environment: PEERS_PYTHON, a python that has the packages sglang-router and smg.
Exit status: 0; 1 wrong answers or an entrant that did not start; 2 bad options; 3 a workload is dearer than in the old build.
`;

export interface RaceOptions extends WindowSettings {
  /** Folder of the old build; null: a race against other proxies. */
  readonly against: string | null;
  /** Options of Node for the new and the old build. */
  readonly nodeOptions: NodeOptions;
  /** Workloads that look dearer run as many rounds again. */
  readonly isConfirmed: boolean;
  readonly only: readonly string[] | null;
  readonly workloads: readonly string[];
  readonly rounds: number;
  /** Without load, before each workload of a round. */
  readonly idleSeconds: number;
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

function notNegative(flag: string, text: string): number {
  const value = Number(text);
  if (!(value >= 0)) throw new Error(`--${flag} "${text}": expected a number that is not negative`);
  return value;
}

const names = (text: string): string[] => text.split(',').filter(Boolean);
const words = (text: string): string[] => text.split(/\s+/).filter(Boolean);

/** Throws an Error with a message for the user. */
export function parseOptions(args: readonly string[]): RaceOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      workloads: { type: 'string' },
      against: { type: 'string' },
      'old-node': { type: 'string', default: '' },
      'new-node': { type: 'string', default: '' },
      idle: { type: 'string', default: '0' },
      'no-confirm': { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      warmup: { type: 'string', default: '0.5' },
      phases: { type: 'string', default: '20' },
      policies: { type: 'string' },
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
  const { against = null, quick } = values;
  const given = { only: values.only !== undefined, also: values.also.length > 0, 'self-check': isSelfCheck, list: values.list };
  const other = Object.entries(given).find(([, isGiven]) => isGiven);
  if (against === null && (values['old-node'] !== '' || values['new-node'] !== ''))
    throw new Error('--old-node and --new-node need --against');
  if (against !== null && other !== undefined) throw new Error(`--${other[0]} and --against exclude each other`);
  const usual = isSelfCheck ? CHECK_WORKLOADS : quick ? QUICK_WORKLOADS : against === null ? DEFAULT_WORKLOADS : AGAINST_WORKLOADS;
  const workloads = values.workloads === undefined ? usual : names(values.workloads);
  const unknown = workloads.find((name) => !Object.hasOwn(WORKLOADS, name));
  if (unknown !== undefined) throw new Error(`--workloads "${unknown}": expected ${Object.keys(WORKLOADS).join(', ')}`);
  return {
    against,
    nodeOptions: { new: words(values['new-node']), old: words(values['old-node']) },
    isConfirmed: !values['no-confirm'] && !quick,
    only: isSelfCheck ? CHECK_ENTRANTS : values.only === undefined ? null : names(values.only),
    workloads,
    rounds: positive('rounds', values.rounds ?? (isSelfCheck ? '10' : quick ? QUICK_ROUNDS : '12')),
    seconds: positive('seconds', values.seconds ?? (quick ? QUICK_SECONDS : '0.6')),
    warmup: positive('warmup', values.warmup),
    phases: positive('phases', values.phases),
    idleSeconds: notNegative('idle', values.idle),
    policies: names(values.policies ?? (against === null ? 'round_robin,cache_aware' : 'round_robin')),
    also: values.also,
    isFresh: values.fresh,
    jsonFile: values.json ?? null,
    fromFile: values.from ?? null,
    isSelfCheck,
    wantsList: values.list,
    wantsHelp: values.help,
  };
}
