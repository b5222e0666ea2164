/** What has to be installed on the nodes of a plan, apart from what containers hold. Pure. */
import type { Plan, PlannedProcess } from './plan.ts';

export interface Need {
  /** As it is looked for on the PATH: `etcd`. */
  readonly program: string;
  /** Python modules that it is started with: `dynamo.frontend`. */
  readonly modules: readonly string[];
  /** In the order of the plan. */
  readonly nodes: readonly string[];
  /** Those that it is for, in the order of the plan; at least one. */
  readonly processes: readonly PlannedProcess[];
}

/** By program, in the order of the plan. What comes with this package, or is named with its path, is not among them. */
export function needsOf(plan: Plan): readonly Need[] {
  const needs = new Map<string, PlannedProcess[]>();
  for (const process of plan.processes) {
    const [program = ''] = process.argv;
    if (process.container !== null || program.includes('/') || program.startsWith('<')) continue;
    const users = needs.get(program);
    if (users === undefined) needs.set(program, [process]);
    else users.push(process);
  }
  return [...needs].map(([program, processes]) => ({
    program,
    modules: unique(processes.flatMap((process) => moduleOf(process) ?? [])),
    nodes: unique(processes.map(({ node }) => node)),
    processes,
  }));
}

/** `dynamo.mocker` of `python3 -m dynamo.mocker ...`; null: it is no Python, or starts a script. */
export function moduleOf({ argv }: PlannedProcess): string | null {
  const [program = '', flag, name] = argv;
  return /^python[\d.]*$/.test(program) && flag === '-m' && name !== undefined ? name : null;
}

/** `needs etcd on n0, python3 (dynamo.mocker) on n0 and n1`; empty: nothing. For people. */
export function needsInWords(plan: Plan): string {
  const words = needsOf(plan).map(({ program, modules, nodes }) => {
    const what = modules.length === 0 ? program : `${program} with ${modules.join(', ')}`;
    const where = nodes.length === plan.nodes.length && nodes.length > 1 ? 'every node' : nodes.join(', ');
    return `${what} on ${where}`;
  });
  return words.length === 0 ? '' : `needs ${words.join('; ')}`;
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}
