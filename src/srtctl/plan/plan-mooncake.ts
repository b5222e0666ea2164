/** A Mooncake master, and the variables by which workers use it. Source: mooncake_master of mooncake-transfer-engine 0.3. */
import type { Environment } from '../recipe/resolve/recipe.ts';
import { commonMounts, environmentOf, infraNode, type PlanContext } from './context.ts';
import { addressOf } from './nodes.ts';
import { type PlannedProcess, TIERS } from './plan.ts';
import { plannedProcess } from './planned-process.ts';

export const RPC_PORT = 8700;
export const METADATA_PORT = 8701;
const METRICS_PORT = 8702;

/** As srt-slurm starts it, unless the recipe says otherwise. */
const STANDARD = ['--eviction_high_watermark_ratio=0.9', '--default_kv_lease_ttl=10000', '--rpc_thread_num=16'];

export function planMooncake(context: PlanContext): readonly PlannedProcess[] {
  const { mooncake } = context.recipe;
  if (mooncake === null) return [];
  const node = infraNode(context);
  const take = (port: number, purpose: string): number => context.ports.take(node, port, 'mooncake', purpose, 'backend.mooncake_kv_store');
  const ports = { rpc: take(RPC_PORT, 'RPC'), http: take(METADATA_PORT, 'metadata'), metrics: take(METRICS_PORT, 'metrics') };
  const container = context.contained ? (mooncake.container ?? context.container) : null;
  const given = new Set(mooncake.masterArgs.map(nameOf));
  return [
    plannedProcess({
      id: 'mooncake',
      role: 'mooncake',
      on: node,
      tier: TIERS.infrastructure,
      ports,
      argv: [
        'mooncake_master',
        `--rpc_port=${ports.rpc}`,
        '--enable_http_metadata_server=true',
        `--http_metadata_server_host=${addressOf(node)}`,
        `--http_metadata_server_port=${ports.http}`,
        `--metrics_port=${ports.metrics}`,
        ...STANDARD.filter((word) => !given.has(nameOf(word))),
        ...mooncake.masterArgs,
      ],
      env: environmentOf(context, node),
      container,
      mounts: commonMounts({ ...context, container }),
      ready: { kind: 'tcp', host: addressOf(node), port: ports.rpc },
    }),
  ];
}

/** For a worker on `node`; the recipe's values win, but for where the master is. */
export function mooncakeEnvironment(context: PlanContext, node: number): Environment {
  const { mooncake } = context.recipe;
  if (mooncake === null) return {};
  const master = addressOf(infraNode(context));
  return {
    MOONCAKE_LOCAL_HOSTNAME: addressOf(node),
    ...mooncake.environment,
    MOONCAKE_MASTER: `${master}:${RPC_PORT}`,
    MOONCAKE_TE_META_DATA_SERVER: `http://${master}:${METADATA_PORT}/metadata`,
  };
}

function nameOf(word: string): string {
  return word.replace(/^--?/, '').split('=', 1)[0]!;
}
