/** The seed's keys under `backend:` and the later ones under `frontend:` -> one meaning. */

import { DEFAULTS, type RecipeInput } from '../schema/recipe-schema.ts';
import { type Findings, shown } from '../text/findings.ts';
import { placeOf, type Tree } from '../text/tree.ts';
import type { Cluster } from './cluster.ts';
import { readEnvironment, readFlags } from './free-maps.ts';
import type { Frontend } from './recipe.ts';

export interface ModeAndFrontend {
  readonly mode: 'router' | 'dynamo';
  readonly frontend: Frontend;
}

export function resolveFrontend(input: RecipeInput, tree: Tree, cluster: Cluster, findings: Findings): ModeAndFrontend {
  const seed = input.backend ?? {};
  const later = input.frontend ?? {};
  const seedMode = seed.use_sglang_router === undefined ? undefined : seed.use_sglang_router ? 'router' : 'dynamo';
  const laterMode = later.type === undefined ? undefined : later.type === 'dynamo' ? 'dynamo' : 'router';
  if (seedMode !== undefined && laterMode !== undefined && seedMode !== laterMode)
    contradict('use_sglang_router', seed.use_sglang_router, 'type', later.type, findings);
  const mode = laterMode ?? seedMode ?? 'dynamo';
  const one = <T>(key: 'enable_multiple_frontends' | 'num_additional_frontends' | 'router', standard: T): T => {
    const [here, there] = [seed[key], later[key]];
    if (here !== undefined && there !== undefined && String(here) !== String(there)) contradict(key, here, key, there, findings);
    return (there ?? here ?? standard) as T;
  };
  const multiple = one('enable_multiple_frontends', true);
  const additional = Number(one<number | string>('num_additional_frontends', DEFAULTS.additionalFrontends));
  const isAsked = seed.num_additional_frontends !== undefined || later.num_additional_frontends !== undefined;
  if (!multiple && isAsked && additional > 0) {
    const block = later.num_additional_frontends === undefined ? 'backend' : 'frontend';
    findings.warn(
      [block, 'num_additional_frontends'],
      `has no effect, got ${additional}: enable_multiple_frontends is false, so there is one on the public port`,
    );
  }
  const router = one<'bundled' | 'sglang_router'>('router', 'bundled');
  if (mode === 'dynamo' && (seed.router ?? later.router) !== undefined) {
    findings.warn(
      [later.router === undefined ? 'backend' : 'frontend', 'router'],
      'has no effect: there are routers only in router mode',
      'set backend.use_sglang_router: true',
    );
  }
  const publicPort = Number(later.public_port ?? DEFAULTS.publicPort);
  const routerPort = Number(later.router_port ?? DEFAULTS.routerPort);
  if (later.nginx_session_affinity_header !== undefined && later.nginx_session_affinity !== true) {
    findings.warn(['frontend', 'nginx_session_affinity_header'], 'has no effect without nginx_session_affinity: true');
  }
  const container = later.nginx_container ?? DEFAULTS.nginxContainer;
  return {
    mode,
    frontend: {
      router,
      multiple,
      additional,
      spread: later.spread ?? 'ceiling',
      publicHost: later.public_host ?? null,
      publicPort,
      routerPort,
      args: readFlags(tree, ['frontend', 'args'], findings),
      environment: readEnvironment(tree, ['frontend', 'env'], findings),
      nginx: {
        container: Object.hasOwn(cluster.containers, container) ? cluster.containers[container]! : container,
        raiseUlimit: later.nginx_raise_ulimit ?? cluster.nginxRaiseUlimit,
        affinityHeader: later.nginx_session_affinity === true ? (later.nginx_session_affinity_header ?? DEFAULTS.affinityHeader) : null,
        keepaliveTimeout: later.nginx_keepalive_timeout ?? DEFAULTS.keepaliveTimeout,
      },
    },
  };
}

function contradict(seedKey: string, seedValue: unknown, laterKey: string, laterValue: unknown, findings: Findings): void {
  const { line } = placeOf(findings.tree, ['backend', seedKey]);
  const message = `got ${shown(laterValue)}, but backend.${seedKey} is ${shown(seedValue)} (line ${line}): two spellings of one setting contradict each other`;
  findings.problem(['frontend', laterKey], message, 'keep one of them');
}
