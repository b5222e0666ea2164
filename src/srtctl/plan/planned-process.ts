/** Processes of a plan, written down with what is special about them. */
import { nodeName } from './nodes.ts';
import { type PlannedProcess, TIERS } from './plan.ts';

/** What every process must say; the rest is: rank 0 of worker 0, on the host, in the run directory, critical, nothing before it. */
type Said = Pick<PlannedProcess, 'id' | 'role' | 'tier' | 'argv' | 'ready'> &
  Partial<Omit<PlannedProcess, 'node' | 'log'>> & {
    /** Index of the node. */
    readonly on: number;
  };

/** Keys in the order in which plans are read. */
export function plannedProcess(said: Said): PlannedProcess {
  return {
    id: said.id,
    role: said.role,
    node: nodeName(said.on),
    tier: said.tier,
    worker: said.worker ?? 0,
    rank: said.rank ?? 0,
    ports: said.ports ?? {},
    argv: said.argv,
    cwd: said.cwd ?? null,
    env: said.env ?? {},
    container: said.container ?? null,
    mounts: said.mounts ?? [],
    gpus: said.gpus ?? [],
    before: said.before ?? [],
    files: said.files ?? [],
    log: `logs/${said.id}.log`,
    critical: said.critical ?? true,
    ready: said.ready,
  };
}

/** Where one router or frontend stands. */
export interface Seat {
  readonly id: string;
  /** Among the routers or frontends of the plan. */
  readonly index: number;
  /** Index of the node. */
  readonly node: number;
  readonly ports: Readonly<Record<string, number>>;
}

/** What all routers and frontends have in common. */
export function seatParts({ id, index, node, ports }: Seat): Pick<Said, 'id' | 'on' | 'tier' | 'worker' | 'ports'> {
  return { id, on: node, tier: TIERS.routers, worker: index, ports };
}
