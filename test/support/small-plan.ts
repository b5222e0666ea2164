/** Plans of a few processes, for tests of what runs them. */
import { type Plan, type PlannedProcess, TIERS } from '../../src/srtctl/plan/plan.ts';

/** A process of the tier that its role belongs to; everything else as empty as can be. */
export function planned(id: string, more: Partial<PlannedProcess> = {}): PlannedProcess {
  const role = more.role ?? roleOf(id);
  return {
    id,
    role,
    node: 'n0',
    tier: tierOf(role),
    worker: Number(/-(\d+)/.exec(id)?.[1] ?? 0),
    rank: 0,
    ports: {},
    argv: ['true'],
    cwd: null,
    env: {},
    container: null,
    mounts: [],
    gpus: [],
    before: [],
    files: [],
    log: `logs/${id}.out`,
    critical: role !== 'benchmark',
    ready: { kind: role === 'benchmark' ? 'exit' : 'none' },
    ...more,
  };
}

export function planOf(processes: readonly PlannedProcess[], more: Partial<Plan> = {}): Plan {
  return {
    name: 'small',
    nodes: ['n0', 'n1'],
    gpusPerNode: 1,
    processes,
    endpoint: 'http://<node0>:8000',
    model: 'm',
    benchmark: null,
    healthCheck: { intervalMs: 1000, timeoutMs: 60_000, silenceMs: 300_000 },
    preamble: null,
    counts: [],
    warnings: [],
    ...more,
  };
}

function roleOf(id: string): PlannedProcess['role'] {
  const [word = ''] = id.split('-');
  return word as PlannedProcess['role'];
}

function tierOf(role: PlannedProcess['role']): number {
  switch (role) {
    case 'etcd':
    case 'nats':
      return TIERS.infrastructure;
    case 'router':
    case 'frontend':
      return TIERS.routers;
    case 'nginx':
      return TIERS.entrance;
    case 'benchmark':
      return TIERS.benchmark;
    default:
      return TIERS.workers;
  }
}
