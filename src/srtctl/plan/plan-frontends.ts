/** The processes of Dynamo mode besides its workers: frontends, etcd, NATS. */
import { commonMounts, environmentOf, infraNode, listenAddress, modelMounts, type PlanContext } from './context.ts';
import { dynamoFiles } from './dynamo-source.ts';
import { dynamoEnvironment, dynamoSteps, NAMESPACE, SCRATCH } from './dynamo-words.ts';
import { flagWords } from './flag-words.ts';
import { addressOf, urlOf } from './nodes.ts';
import { OWNED_FLAGS } from './owned-flags.ts';
import { type PlannedProcess, TIERS } from './plan.ts';
import { plannedProcess, type Seat, seatParts } from './planned-process.ts';
import { setupMounts, setupSteps } from './worker-room.ts';

/** 4222 and 8222 are what NATS itself uses. */
const MONITOR_ABOVE = 4000;

const EXCEPT: ReadonlySet<string> = new Set(OWNED_FLAGS);

/** Of the run directory. */
const RULES_FILE = 'dynamo/router-policy.yaml';
const NATS_CONFIG = 'nats/nats.conf';

/** Bytes that wait for a slow reader at most: NATS's own limit, which must hold several of the largest messages (64 MB). */
const NATS_PENDING = 268_435_456;

const NUMA_WORDS = ['numactl', '--cpunodebind=0', '--membind=0'] as const;

/** Frontends are told where etcd is and find the workers by themselves. */
export function planFrontends(context: PlanContext, seats: readonly Seat[]): readonly PlannedProcess[] {
  const { frontend, workers, backend, dynamo } = context.recipe;
  const prefill = workers.find(({ role }) => role === 'prefill')?.workers ?? 0;
  const others = workers.reduce((sum, group) => sum + group.workers, 0) - prefill;
  const container = context.container === null ? null : (frontend.container ?? context.container);
  const room = { ...context, container };
  const rules = dynamo.workerSelection;
  const extra = [...(rules === null ? [] : ['--router-policy-config', `<run>/${RULES_FILE}`]), ...flagWords(frontend.args, EXCEPT)];
  const isInstalled = backend.type !== 'sim';
  return seats.map((seat) => {
    const { http = 0 } = seat.ports;
    return plannedProcess({
      ...seatParts(seat),
      role: 'frontend',
      argv: [
        ...(frontend.bindsNuma && container !== null ? NUMA_WORDS : []),
        ...['python3', '-m', 'dynamo.frontend'],
        '--http-host',
        listenAddress(context, seat.node, http),
        '--http-port',
        String(http),
        '--namespace',
        NAMESPACE,
        ...extra,
      ],
      env: { ...dynamoEnvironment(context, seat.node, {}), ...environmentOf(context, seat.node, frontend.environment) },
      container,
      // The tokenizer is read at the path that workers announce.
      mounts: [...modelMounts(room), ...commonMounts(room), ...(isInstalled ? setupMounts(room) : [])],
      before: isInstalled ? [...setupSteps(room), ...dynamoSteps(room)] : [],
      files: [
        ...(isInstalled && container !== null ? dynamoFiles(dynamo.install) : []),
        ...(rules === null ? [] : [{ path: RULES_FILE, content: `${JSON.stringify({ worker_selection: rules }, null, 2)}\n` }]),
      ],
      ready: { kind: 'frontend', url: urlOf(seat.node, http), model: context.model, namespace: NAMESPACE, prefill, decode: others },
    });
  });
}

/** etcd and NATS, of the host, with the data of this run alone: what an earlier run left would bring its workers back. */
export function planInfrastructure(context: PlanContext): readonly PlannedProcess[] {
  const { etcdPort, natsPort, natsMaxPayloadMb } = context.recipe.dynamo;
  const node = infraNode(context);
  const take = (id: string, port: number, purpose: string): number => context.ports.take(node, port, id, purpose, `dynamo.${id}_port`);
  const client = take('etcd', etcdPort, 'clients');
  const peer = take('etcd', etcdPort + 1, 'peers');
  const nats = take('nats', natsPort, 'clients');
  const monitor = take('nats', natsPort + MONITOR_ABOVE, 'monitoring');
  const [clientUrl, peerUrl, address] = [urlOf(node, client), urlOf(node, peer), addressOf(node)];
  // The size of messages has no flag.
  const config =
    natsMaxPayloadMb === null
      ? null
      : { path: NATS_CONFIG, content: `max_payload: ${natsMaxPayloadMb * 1024 * 1024}\nmax_pending: ${NATS_PENDING}\n` };
  return [
    plannedProcess({
      id: 'etcd',
      role: 'etcd',
      on: node,
      tier: TIERS.infrastructure,
      ports: { client, peer },
      argv: [
        ...['etcd', '--name', 'srtctl', '--data-dir', `${SCRATCH}/etcd`, '--log-level', 'warn'],
        ...['--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl],
        ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl, '--initial-cluster', `srtctl=${peerUrl}`],
      ],
      // Without it etcd before 3.5 refuses to run on this processor; on others it says that it does not know the variable, and goes on.
      env: { ETCD_UNSUPPORTED_ARCH: 'arm64' },
      ready: { kind: 'http', url: `${clientUrl}/health`, run: null },
    }),
    plannedProcess({
      id: 'nats',
      role: 'nats',
      on: node,
      tier: TIERS.infrastructure,
      ports: { client: nats, monitor },
      argv: [
        ...['nats-server', '-a', address, '-p', String(nats), '-m', String(monitor), '-js', '-sd', `${SCRATCH}/nats`],
        ...(config === null ? [] : ['-c', `<run>/${NATS_CONFIG}`]),
      ],
      files: config === null ? [] : [config],
      ready: { kind: 'http', url: `${urlOf(node, monitor)}/healthz`, run: null },
    }),
  ];
}
