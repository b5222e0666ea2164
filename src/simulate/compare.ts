/** Runs policies side by side on the same traffic, with several seeds, and summarises what was measured. */
import { createRng } from '../base/runtime/rng.ts';
import { startCompared } from './compared.ts';
import { MEASURES, meanOf, type RunMeasures } from './measures.ts';
import { Simulation, type SimulationSettings } from './simulation.ts';
import type { Traffic } from './traffic/traffic.ts';

const SALT = 20_011;
/** Chance of the policies does not depend on that of the traffic. */
const CHANCE_SEED = 977;

/** Over the seeds. */
export interface Spread {
  readonly mean: number;
  readonly least: number;
  readonly most: number;
}

export interface Comparison {
  readonly traffic: string;
  readonly policy: string;
  readonly runs: readonly RunMeasures[];
  readonly summary: Readonly<Record<keyof RunMeasures, Spread>>;
}

/** `traffics`: one for each seed. */
export function comparePolicy(policy: string, traffics: readonly Traffic[], settings: SimulationSettings): Comparison {
  const runs = traffics.map((traffic) => new Simulation(traffic, startCompared(policy, SALT), createRng(CHANCE_SEED), settings).run());
  return { traffic: traffics[0]?.name ?? '', policy, runs, summary: summaryOf(runs) };
}

function summaryOf(runs: readonly RunMeasures[]): Comparison['summary'] {
  const spreads = MEASURES.map((name): [keyof RunMeasures, Spread] => {
    const values = runs.map((run) => run[name]);
    return [name, { mean: meanOf(values), least: Math.min(...values), most: Math.max(...values) }];
  });
  // MEASURES names all keys.
  return Object.fromEntries(spreads) as Comparison['summary'];
}
