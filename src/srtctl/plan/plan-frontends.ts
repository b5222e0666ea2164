/** The processes of Dynamo mode besides its workers: frontends, etcd, NATS. */
import { addressOf, commonMounts, environmentOf, listenAddress, modelMounts, type PlanContext, urlOf } from './context.ts';
import { dynamoEnvironment, dynamoSteps, NAMESPACE, SCRATCH } from './dynamo-words.ts';
import { flagWords } from './flag-words.ts';
import { OWNED_FLAGS } from './owned-flags.ts';
import { type PlannedProcess, TIERS } from './plan.ts';
import { plannedProcess, type Seat, seatParts } from './planned-process.ts';

/** 4222 and 8222 are what NATS itself uses. */
const MONITOR_ABOVE = 4000;

const EXCEPT: ReadonlySet<string> = new Set(OWNED_FLAGS);

/** Frontends are told where etcd is and find the workers by themselves. */
export function planFrontends(context: PlanContext, seats: readonly Seat[]): readonly PlannedProcess[] {
  const { frontend, workers, backend } = context.recipe;
  const prefill = workers.find(({ role }) => role === 'prefill')?.workers ?? 0;
  const others = workers.reduce((sum, group) => sum + group.workers, 0) - prefill;
  const extra = flagWords(frontend.args, EXCEPT);
  return seats.map((seat) => {
    const { http = 0 } = seat.ports;
    return plannedProcess({
      ...seatParts(seat),
      role: 'frontend',
      argv: [
        'python3',
        '-m',
        'dynamo.frontend',
        '--http-host',
        listenAddress(context, seat.node, http),
        '--http-port',
        String(http),
        '--namespace',
        NAMESPACE,
        ...extra,
      ],
      env: { ...dynamoEnvironment(context, seat.node, {}), ...environmentOf(context, seat.node, frontend.environment) },
      container: context.container,
      // The tokenizer is read at the path that workers announce.
      mounts: [...modelMounts(context), ...commonMounts(context)],
      before: backend.type === 'sim' ? [] : dynamoSteps(context),
      ready: { kind: 'frontend', url: urlOf(seat.node, http), model: context.model, namespace: NAMESPACE, prefill, decode: others },
    });
  });
}

/** etcd and NATS on node 0, of the host, with the data of this run alone: what an earlier run left would bring its workers back. */
export function planInfrastructure(context: PlanContext): readonly PlannedProcess[] {
  const { etcdPort, natsPort } = context.recipe.dynamo;
  const take = (id: string, port: number, purpose: string): number => context.ports.take(0, port, id, purpose, `dynamo.${id}_port`);
  const client = take('etcd', etcdPort, 'clients');
  const peer = take('etcd', etcdPort + 1, 'peers');
  const nats = take('nats', natsPort, 'clients');
  const monitor = take('nats', natsPort + MONITOR_ABOVE, 'monitoring');
  const [clientUrl, peerUrl, address] = [urlOf(0, client), urlOf(0, peer), addressOf(0)];
  return [
    plannedProcess({
      id: 'etcd',
      role: 'etcd',
      on: 0,
      tier: TIERS.infrastructure,
      ports: { client, peer },
      argv: [
        ...['etcd', '--name', 'srtctl', '--data-dir', `${SCRATCH}/etcd`, '--log-level', 'warn'],
        ...['--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl],
        ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl, '--initial-cluster', `srtctl=${peerUrl}`],
      ],
      // Without it etcd before 3.5 refuses to run on this processor; on others it says that it does not know the variable, and goes on.
      env: { ETCD_UNSUPPORTED_ARCH: 'arm64' },
      ready: { kind: 'http', url: `${clientUrl}/health` },
    }),
    plannedProcess({
      id: 'nats',
      role: 'nats',
      on: 0,
      tier: TIERS.infrastructure,
      ports: { client: nats, monitor },
      argv: ['nats-server', '-a', address, '-p', String(nats), '-m', String(monitor), '-js', '-sd', `${SCRATCH}/nats`],
      ready: { kind: 'http', url: `${urlOf(0, monitor)}/healthz` },
    }),
  ];
}
