/** Where one router or frontend stands, and what all of them have in common. */
import { nodeName } from './context.ts';
import { type PlannedProcess, TIERS } from './plan.ts';

export interface Seat {
  readonly id: string;
  /** Among the routers or frontends of the plan. */
  readonly index: number;
  /** Index of the node. */
  readonly node: number;
  readonly ports: Readonly<Record<string, number>>;
}

/** Flags of routers and frontends that only the plan knows. */
export const OWNED_FLAGS: readonly string[] = [
  'host',
  'port',
  'http-host',
  'http-port',
  'pd-disaggregation',
  'prefill',
  'decode',
  'worker-urls',
  'namespace',
];

type Common = 'id' | 'node' | 'tier' | 'worker' | 'rank' | 'ports' | 'cwd' | 'gpus' | 'files' | 'log' | 'critical';

export function seatParts(seat: Seat): Pick<PlannedProcess, Common> {
  return {
    id: seat.id,
    node: nodeName(seat.node),
    tier: TIERS.routers,
    worker: seat.index,
    rank: 0,
    ports: seat.ports,
    cwd: null,
    gpus: [],
    files: [],
    log: `logs/${seat.id}.log`,
    critical: true,
  };
}
