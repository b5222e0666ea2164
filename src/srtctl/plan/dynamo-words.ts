/** What Dynamo's frontends and workers need in their environment, before they start, and in their command lines. Source: ai-dynamo 1.6.1. */
import type { Environment, WorkerGroup } from '../recipe/resolve/recipe.ts';
import { infraNode, type PlanContext } from './context.ts';
import { dynamoInstallSteps } from './dynamo-source.ts';
import { findPort, flagWords } from './flag-words.ts';
import { addressOf, urlOf } from './nodes.ts';
import { type PlannedMount, type PlannedStep, type ReadyRule, SCRATCH_FOLDER } from './plan.ts';

/** Every run has an etcd of its own; the namespace of its own shows it, should two ever meet. */
export const NAMESPACE = '<namespace>';

/** An etcd that finds the data of an earlier run brings dead workers back. */
export const SCRATCH: string = `<run>/${SCRATCH_FOLDER}`;

/** A worker that drains without limit would outlive the teardown, which kills it. Frontends have no such limit. */
const GRACEFUL_SHUTDOWN_SECONDS = 10;

/**
 * A dead process is listed for as long, and what cannot reach etcd for about twice as long ends (with status 0). Interval and time-out
 * of the question whether etcd is there must be shorter together; etcd takes it amiss more often than every 5 s.
 */
const LEASE_SECONDS = 15;
const KEEPALIVE_SECONDS = 5;

/** etcd and NATS are ready before anybody else starts. */
const STARTUP_SECONDS = 30;

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

/** Tokenizer and configuration of the simulated engines; the build makes it. */
const MOCKER_MODEL = '<package>/dist/tiny-model';

/** Variables for a frontend or worker on `node`; none in router mode. */
export function dynamoEnvironment(context: PlanContext, node: number, ports: Readonly<Record<string, number>>): Environment {
  const { mode, dynamo, backend } = context.recipe;
  if (mode !== 'dynamo') return {};
  const address = addressOf(node);
  return {
    // Said although some are defaults: the environment of whoever starts this may say otherwise.
    DYN_DISCOVERY_BACKEND: 'etcd',
    ETCD_ENDPOINTS: urlOf(infraNode(context), dynamo.etcdPort),
    ETCD_LEASE_TTL: String(LEASE_SECONDS),
    ETCD_KEEPALIVE_INTERVAL_SECONDS: String(KEEPALIVE_SECONDS),
    ETCD_KEEPALIVE_TIMEOUT_SECONDS: String(KEEPALIVE_SECONDS),
    ETCD_STARTUP_CONNECT_TIMEOUT_SECONDS: String(STARTUP_SECONDS),
    NATS_SERVER: `nats://${addressOf(infraNode(context))}:${dynamo.natsPort}`,
    NATS_STARTUP_CONNECT_TIMEOUT_SECONDS: String(STARTUP_SECONDS),
    DYN_NAMESPACE: NAMESPACE,
    DYN_REQUEST_PLANE: dynamo.requestPlane,
    DYN_EVENT_PLANE: dynamo.eventPlane,
    // Without these the answers of workers go to the first interface of the machine.
    DYN_TCP_RPC_HOST: address,
    DYN_TCP_RESPONSE_STREAM_HOST: address,
    DYN_EVENT_PLANE_HOST: address,
    ...(ports['system'] === undefined ? {} : { DYN_SYSTEM_HOST: address, DYN_SYSTEM_PORT: String(ports['system']) }),
    DYN_RUNTIME_GRACEFUL_SHUTDOWN_TIMEOUT_SECS: String(GRACEFUL_SHUTDOWN_SECONDS),
    DYN_SDK_DISABLE_ANSI_LOGGING: '1',
    ...(backend.type === 'sim' ? SIMULATED : {}),
  };
}

/** No hub is asked for a model that does not exist, and what is kept of it is not mixed with the user's own. */
const SIMULATED: Environment = {
  HF_HUB_OFFLINE: '1',
  HOME: `${SCRATCH}/home`,
  // The mocker never says that it is well, and calls every question an error in its log; its endpoints are what is looked at.
  DYN_SYSTEM_STARTING_HEALTH_STATUS: 'ready',
};

/** Dynamo into a container; what runs on the host uses what the host has. */
export function dynamoSteps(context: PlanContext): readonly PlannedStep[] {
  if (context.container === null) return [];
  return dynamoInstallSteps(context.recipe.dynamo.install, context.recipe.configsDirectory !== null);
}

/**
 * Dynamo's own simulated engine. It announces its bootstrap server as 127.0.0.1, so prefill and decode are left to meet without, unless
 * the recipe gives `bootstrap-ports` (on one machine).
 */
export function mockerArgv(context: PlanContext, group: WorkerGroup, bootstrapPort: number | undefined): readonly string[] {
  const given = Object.fromEntries(MOCKER_FLAGS.flatMap((name) => (name in group.flags ? [[name, group.flags[name] ?? null]] : [])));
  return [
    'python3',
    '-m',
    'dynamo.mocker',
    '--model-path',
    context.recipe.dynamo.mockerModel ?? MOCKER_MODEL,
    '--model-name',
    context.model,
    '--engine-type',
    'sglang',
    ...(group.role === 'aggregated' ? [] : ['--disaggregation-mode', group.role]),
    ...(bootstrapPort === undefined ? [] : ['--bootstrap-ports', String(bootstrapPort)]),
    ...flagWords({ 'num-gpu-blocks-override': MOCKER_BLOCKS, ...given }),
  ];
}

/** In containers the tokenizer of the mocker has the path of the host, too. */
export function mockerMounts(context: PlanContext): readonly PlannedMount[] {
  const { mode, backend, dynamo } = context.recipe;
  if (mode !== 'dynamo' || backend.type !== 'sim' || context.container === null) return [];
  const path = dynamo.mockerModel ?? MOCKER_MODEL;
  return [{ host: path, container: path, options: 'ro' }];
}

/** First bootstrap port of the mockers of a group; null: they have none. */
export function mockerBootstrap(group: WorkerGroup): number | null {
  return group.role === 'prefill' ? findPort(group.flags, 'bootstrap-ports') : null;
}

/** Rank 0 of a worker serves `generate`. A mocker whose bootstrap port was taken serves it, too, but fails every request. */
export function dynamoReadyRule(node: number, ports: Readonly<Record<string, number>>, isMocker: boolean): ReadyRule {
  const url = urlOf(node, ports['system'] ?? 0);
  const hasBootstrap = isMocker && ports['bootstrap'] !== undefined;
  return { kind: 'dynamo-worker', url, endpoints: ['generate', ...(hasBootstrap ? ['worker_kv_query_source_'] : [])] };
}
