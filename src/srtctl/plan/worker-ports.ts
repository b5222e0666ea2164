/** The ports of the processes of a worker. */
import type { WorkerGroup } from '../recipe/resolve/recipe.ts';
import type { PlanContext } from './context.ts';
import { mockerBootstrap } from './dynamo-words.ts';
import { findPort } from './flag-words.ts';
import type { PlacedWorker } from './placement.ts';

/** SGLang's own defaults. Source: its server arguments, 0.5. */
const HTTP_PORT = 30_000;
const BOOTSTRAP_PORT = 30_001;
const DIST_PORT = 29_500;
/** Without a flag SGLang takes a random one. */
const NCCL_PORT = 17_500;
/** First port of the events of KV caches. */
const EVENTS_PORT = 5600;
/** Between the workers of a node: SGLang takes more ports above its own, some for each data-parallel rank. */
const STRIDE = 32;
/** After so many multi-node workers their port repeats. On a cluster each has nodes of its own; on one machine all share one. */
const DIST_PORTS = 15;

type Ports = Readonly<Record<string, number>>;

/** Hands out ports to workers in the order of the plan, so that no two on a node share one. */
export class WorkerPorts {
  readonly #context: PlanContext;
  /** Workers so far on each node. */
  readonly #onNode: number[];
  /** Prefill's, or what decode says of it; loading has checked that they agree. */
  readonly #bootstrap: number;
  #workers = 0;
  #spanning = 0;

  constructor(context: PlanContext) {
    this.#context = context;
    const asked = context.recipe.workers.map(({ flags }) => findPort(flags, 'disaggregation-bootstrap-port'));
    this.#bootstrap = asked.find((port) => port !== null) ?? BOOTSTRAP_PORT;
    this.#onNode = new Array<number>(context.recipe.resources.nodes).fill(0);
  }

  /**
   * Ports of each rank. The first worker of a node has the ports that the recipe names (`port`, `disaggregation-bootstrap-port`,
   * `nccl-port`) or SGLang's own; each further one the next free ports, 32 higher.
   */
  of(group: WorkerGroup, worker: PlacedWorker): readonly Ports[] {
    const serial = this.#workers++;
    const dist = worker.ranks.length > 1 ? DIST_PORT + STRIDE * (this.#spanning++ % DIST_PORTS) : null;
    return worker.ranks.map(({ node }, rank) => {
      const earlier = this.#onNode[node] ?? 0;
      this.#onNode[node] = earlier + 1;
      return this.#ofRank(group, rankId(worker, rank), { node, rank, earlier, serial, dist });
    });
  }

  #ofRank(
    group: WorkerGroup,
    id: string,
    at: { readonly node: number; readonly rank: number; readonly earlier: number; readonly serial: number; readonly dist: number | null },
  ): Ports {
    const { ports, recipe } = this.#context;
    const key = (flag: string): string => `backend.sglang_config.${group.role}.${flag}`;
    const fixedOrNext = (flag: string, purpose: string, base: number): number => {
      if (at.earlier === 0) return ports.take(at.node, base, id, purpose, key(flag));
      return ports.takeFree(at.node, base + STRIDE * at.earlier, id, purpose, key(flag));
    };
    const own: Record<string, number> = {};
    const isDynamo = recipe.mode === 'dynamo';
    const isSim = recipe.backend.type === 'sim';
    // Dynamo's worker serves nothing there, but the engine counts its ports of data-parallel attention from it.
    if ((!isDynamo || !isSim) && !(recipe.frontend.isDirect && at.rank === 0))
      own[isDynamo ? 'engine' : 'http'] = fixedOrNext('port', isDynamo ? 'engine' : 'HTTP', findPort(group.flags, 'port') ?? HTTP_PORT);
    const isLeader = at.rank === 0;
    if (recipe.frontend.isDirect && isLeader)
      own['http'] = ports.take(at.node, recipe.frontend.publicPort, id, 'HTTP', 'frontend.public_port');
    const isMocker = isDynamo && recipe.backend.type === 'sim';
    const mocked = isMocker ? mockerBootstrap(group) : null;
    // Bound on all addresses, so each is another one across the nodes of one machine, too.
    if (mocked !== null) own['bootstrap'] = ports.takeFree(at.node, mocked + at.serial, id, 'PD bootstrap', key('bootstrap-ports'));
    if (group.role === 'prefill' && isLeader && !isMocker)
      own['bootstrap'] = fixedOrNext('disaggregation-bootstrap-port', 'PD bootstrap', this.#bootstrap);
    if (isDynamo) own['system'] = ports.takeFree(at.node, recipe.dynamo.workerPort + at.earlier, id, 'Dynamo system', 'dynamo.worker_port');
    if (isSim) return own;
    // Each data-parallel rank publishes one port higher.
    if (group.kvEvents !== null)
      own['kv-events'] = ports.takeFree(at.node, EVENTS_PORT + STRIDE * at.earlier, id, 'KV events', 'backend.kv_events_config');
    if (at.dist !== null && isLeader) own['dist'] = ports.take(at.node, at.dist, id, 'distributed start', key('dist-init-addr'));
    // Every worker has a port of its own, also across nodes: it is bound on all addresses, and on one machine all nodes share them.
    if (at.dist === null) {
      const base = findPort(group.flags, 'nccl-port') ?? NCCL_PORT;
      own['nccl'] = ports.takeFree(at.node, base + at.serial, id, 'NCCL', key('nccl-port'));
    }
    return own;
  }
}

/** `prefill-0`, and `prefill-0.1` for its rank 1. */
export function rankId(worker: { readonly role: string; readonly index: number }, rank: number): string {
  return `${worker.role}-${worker.index}${rank === 0 ? '' : `.${rank}`}`;
}
