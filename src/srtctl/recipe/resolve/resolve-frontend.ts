/** Router mode and Dynamo mode in their spellings (`backend:` of the seed, `frontend:` later) -> one meaning. */

import { DEFAULTS } from '../schema/defaults.ts';
import type { RecipeInput } from '../schema/recipe-schema.ts';
import { type Findings, shown } from '../text/findings.ts';
import { placeOf, type Tree } from '../text/tree.ts';
import { readEnvironment, readFlags } from './free-maps.ts';
import type { Flags, Frontend } from './recipe.ts';

export interface ModeAndFrontend {
  readonly mode: 'router' | 'dynamo';
  readonly frontend: Frontend;
}

export function resolveFrontend(
  input: RecipeInput,
  tree: Tree,
  alias: (name: string) => string,
  nginxRaiseUlimit: boolean,
  findings: Findings,
): ModeAndFrontend {
  const seed = input.backend ?? {};
  const later = input.frontend ?? {};
  const seedMode = modeOfSwitch(seed.use_sglang_router);
  const laterMode = later.type === undefined ? undefined : later.type === 'dynamo' ? 'dynamo' : 'router';
  if (seedMode !== undefined && laterMode !== undefined && seedMode !== laterMode)
    contradict('use_sglang_router', seed.use_sglang_router, 'type', later.type, findings);
  const thirdMode = modeOfSwitch(later.use_sglang_router);
  if (thirdMode !== undefined && thirdMode !== (laterMode ?? seedMode ?? thirdMode))
    contradict('use_sglang_router', later.use_sglang_router, 'use_sglang_router', later.use_sglang_router, findings);
  const mode = laterMode ?? seedMode ?? thirdMode ?? 'dynamo';
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
  if (later.dedicated_node === true)
    findings.problem(['frontend', 'dedicated_node'], 'got true: srtctl keeps no node for frontends alone', 'remove it');
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
      isRouterNamed: (seed.router ?? later.router) !== undefined,
      isDirect: later.type === 'direct',
      container: later.container_image === undefined ? null : alias(later.container_image),
      bindsNuma: later.numa_bind ?? false,
      args: readArgs(mode, tree, findings),
      environment: readEnvironment(tree, ['frontend', 'env'], findings),
      nginx: {
        container: alias(container),
        raiseUlimit: later.nginx_raise_ulimit ?? nginxRaiseUlimit,
        affinityHeader: later.nginx_session_affinity === true ? (later.nginx_session_affinity_header ?? DEFAULTS.affinityHeader) : null,
        keepaliveTimeout: later.nginx_keepalive_timeout ?? DEFAULTS.keepaliveTimeout,
      },
    },
  };
}

function modeOfSwitch(isRouter: boolean | undefined): 'router' | 'dynamo' | undefined {
  if (isRouter === undefined) return undefined;
  return isRouter ? 'router' : 'dynamo';
}

/** `args`, and under the names of its first spelling, by mode. */
function readArgs(mode: 'router' | 'dynamo', tree: Tree, findings: Findings): Flags {
  const args = readFlags(tree, ['frontend', 'args'], findings);
  const former = mode === 'router' ? 'sglang_router_args' : 'dynamo_frontend_args';
  const other = mode === 'router' ? 'dynamo_frontend_args' : 'sglang_router_args';
  if (findings.isWritten(['frontend', other])) findings.warn(['frontend', other], `has no effect in ${mode} mode`);
  const more = readFlags(tree, ['frontend', former], findings);
  for (const name of Object.keys(more))
    if (name in args) findings.problem(['frontend', former], `--${name} is in frontend.args, too`, 'keep one of them');
  return { ...more, ...args };
}

function contradict(seedKey: string, seedValue: unknown, laterKey: string, laterValue: unknown, findings: Findings): void {
  const { line } = placeOf(findings.tree, ['backend', seedKey]);
  const message = `got ${shown(laterValue)}, but backend.${seedKey} is ${shown(seedValue)} (line ${line}): two spellings of one setting contradict each other`;
  findings.problem(['frontend', laterKey], message, 'keep one of them');
}
