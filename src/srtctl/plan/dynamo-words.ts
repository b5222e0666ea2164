/** What Dynamo's frontends and workers need in their environment, before they start, and in their command lines. */
import type { Environment, WorkerGroup } from '../recipe/recipe.ts';
import { addressOf, type PlanContext, urlOf } from './context.ts';
import { flagWords } from './flag-words.ts';
import type { PlannedStep } from './plan.ts';

export const ETCD_PORT = 2379;
export const ETCD_PEER_PORT = 2380;
export const NATS_PORT = 4222;
export const NATS_MONITOR_PORT = 8222;

/** Every run has an etcd of its own, so the default namespace cannot meet another run's. */
export const NAMESPACE = 'dynamo';

/** A process that drains without limit would outlive every teardown. */
const GRACEFUL_SHUTDOWN_SECONDS = 10;

/** The mocker knows none of SGLang's flags; these of the recipe reach it. */
const MOCKER_FLAGS = [
  'speedup-ratio',
  'decode-speedup-ratio',
  'num-gpu-blocks-override',
  'max-num-seqs',
  'max-num-batched-tokens',
  'block-size',
  'data-parallel-size',
  'kv-transfer-bandwidth',
] as const;

/** Default of 16,384 blocks of one token: a longer prompt would wait for ever. */
const MOCKER_BLOCKS = 1_000_000;

/** Variables for a frontend or worker on `node`; none in router mode. */
export function dynamoEnvironment(context: PlanContext, node: number, ports: Readonly<Record<string, number>>): Environment {
  const { mode, dynamo } = context.recipe;
  if (mode !== 'dynamo') return {};
  const address = addressOf(node);
  return {
    ETCD_ENDPOINTS: urlOf(0, ETCD_PORT),
    NATS_SERVER: `nats://${addressOf(0)}:${NATS_PORT}`,
    DYN_NAMESPACE: NAMESPACE,
    DYN_REQUEST_PLANE: dynamo.requestPlane,
    ...(dynamo.eventPlane === null ? {} : { DYN_EVENT_PLANE: dynamo.eventPlane }),
    // Without these the answers of workers go to the first interface of the machine.
    DYN_TCP_RPC_HOST: address,
    DYN_TCP_RESPONSE_STREAM_HOST: address,
    DYN_EVENT_PLANE_HOST: address,
    ...(ports['system'] === undefined ? {} : { DYN_SYSTEM_HOST: address, DYN_SYSTEM_PORT: String(ports['system']) }),
    DYN_RUNTIME_GRACEFUL_SHUTDOWN_TIMEOUT_SECS: String(GRACEFUL_SHUTDOWN_SECONDS),
  };
}

/** Dynamo into a container that has none; what runs on the host uses what the host has. */
export function dynamoSteps(context: PlanContext): readonly PlannedStep[] {
  const { install, version } = context.recipe.dynamo;
  if (!install || context.container === null) return [];
  const suffix = version === null ? '' : `==${version}`;
  return [{ what: 'install Dynamo', argv: ['pip', 'install', `ai-dynamo-runtime${suffix}`, `ai-dynamo${suffix}`], cwd: null }];
}

/** Dynamo's own simulated engine. It announces its bootstrap server as 127.0.0.1, so prefill and decode are left to meet without. */
export function mockerArgv(context: PlanContext, group: WorkerGroup, path: string): readonly string[] {
  const given = Object.fromEntries(MOCKER_FLAGS.flatMap((name) => (name in group.flags ? [[name, group.flags[name] ?? null]] : [])));
  return [
    'python3',
    '-m',
    'dynamo.mocker',
    '--model-path',
    path,
    '--model-name',
    context.model,
    '--engine-type',
    'sglang',
    ...(group.role === 'aggregated' ? [] : ['--disaggregation-mode', group.role]),
    ...flagWords({ 'num-gpu-blocks-override': MOCKER_BLOCKS, ...given }),
  ];
}
