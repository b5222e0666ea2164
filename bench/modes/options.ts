/** The command line of the comparison of modes. */
import { parseArgs } from 'node:util';
import type { Mode, Shape } from './fleets.ts';

export const HELP = `npm run bench:modes -- [options]

Brings up the same simulated fleet in router mode and in Dynamo mode, in turns, and compares what it costs and how it behaves.
Needs nginx, etcd, nats-server, and Dynamo's Python packages (npm run dynamo-env).

  --rounds N           [default: 5]
  --shapes NAME,...    aggregated (4 workers), pairs (2 prefill, 2 decode)  [default: both]
  --modes NAME,...     router, dynamo  [default: both]
  --migration-limit N  of Dynamo's frontends: how often a stream may go on at another worker  [default: Dynamo's]
  --requests N         one after the other for times to the first token; four times as many for CPU  [default: 100]
  --quick              1 round, 20 requests, and after a death only 1 s without a failure: does it work?
  --json FILE          write everything that was measured
  --help
`;

export interface ModesOptions {
  readonly rounds: number;
  readonly shapes: readonly Shape[];
  readonly modes: readonly Mode[];
  /** Null: what Dynamo does by itself. */
  readonly migrationLimit: number | null;
  readonly requests: number;
  /** How long after a death no request may fail, ms; null: the usual. */
  readonly quietMs: number | null;
  readonly jsonFile: string | null;
  readonly wantsHelp: boolean;
}

const SHAPES: readonly Shape[] = ['aggregated', 'pairs'];
const MODES: readonly Mode[] = ['router', 'dynamo'];

/** Throws an Error with a message for the user. */
export function parseOptions(args: readonly string[]): ModesOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string' },
      shapes: { type: 'string', default: SHAPES.join(',') },
      modes: { type: 'string', default: MODES.join(',') },
      'migration-limit': { type: 'string' },
      requests: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const limit = values['migration-limit'];
  return {
    rounds: count('rounds', values.rounds ?? (values.quick ? '1' : '5')),
    shapes: chosen('shapes', values.shapes, SHAPES),
    modes: chosen('modes', values.modes, MODES),
    migrationLimit: limit === undefined ? null : count('migration-limit', limit),
    requests: count('requests', values.requests ?? (values.quick ? '20' : '100')),
    quietMs: values.quick ? 1000 : null,
    jsonFile: values.json ?? null,
    wantsHelp: values.help,
  };
}

/** In the order of `known`. */
function chosen<T extends string>(flag: string, text: string, known: readonly T[]): readonly T[] {
  const names: readonly string[] = text.split(',');
  const unknown = names.find((name) => !known.some((one) => one === name));
  if (unknown !== undefined) throw new Error(`--${flag} "${unknown}": expected ${known.join(' or ')}`);
  return known.filter((one) => names.includes(one));
}

function count(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${flag} "${text}": expected a whole number from 1`);
  return value;
}
