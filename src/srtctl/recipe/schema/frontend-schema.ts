/** Keys of `frontend`. Some of them have a seed spelling under `backend`. */
import type { z } from 'zod';
import { DEFAULTS } from './defaults.ts';
import { anything, block, count, environment, flags, oneOf, pattern, text, yesNo } from './fields.ts';

export const multipleFrontends = (where: string): ReturnType<typeof yesNo> =>
  yesNo({
    describe: `nginx on the public port and several routers or frontends behind it; false: one of them on the public port${where}`,
    standard: true,
  });
export const additionalFrontends = (where: string): ReturnType<typeof count> =>
  count(0, { describe: `Routers or frontends beyond the first${where}`, standard: DEFAULTS.additionalFrontends }, 10_000);
export const router = (where: string): z.ZodOptional<z.ZodType<'bundled' | 'sglang_router'>> =>
  oneOf(['bundled', 'sglang_router'], {
    describe: `The router: this package's, or \`python -m sglang_router.launch_router\` of the container${where}`,
    standard: 'bundled',
  });

export const FRONTEND = block('What stands in front of the workers; the later spelling of router mode', {
  type: oneOf(['dynamo', 'sglang', 'sglang-router', 'direct'], {
    describe:
      'dynamo: Dynamo frontends; sglang or sglang-router: router mode; direct: the only worker has the public port (sglang in recipes of schema 2)',
    standard: 'dynamo',
  }),
  router: router(''),
  enable_multiple_frontends: multipleFrontends(''),
  num_additional_frontends: additionalFrontends(''),
  spread: oneOf(['ceiling', 'even'], {
    describe:
      'Where additional routers go. ceiling: every ceil((nodes - 1) / additional)-th node, which may start fewer than asked; even: as many as asked, one per node at most',
    standard: 'ceiling',
  }),
  public_host: oneOf(['0.0.0.0', '::'], {
    describe: 'The endpoint listens on all IPv4 (0.0.0.0) or all addresses (::) of node 0',
    whenUnset: 'the address of the node; 0.0.0.0 where a custom benchmark names localhost or runs a script, which may',
  }),
  public_port: count(1, { describe: 'Port of the endpoint on node 0', standard: DEFAULTS.publicPort }, 65_535),
  router_port: count(1, { describe: 'Port of routers and frontends behind nginx', standard: DEFAULTS.routerPort }, 65_535),
  args: flags('More flags of every router or frontend'),
  container_image: text({ describe: 'Image of sglang_router or of the Dynamo frontends', whenUnset: 'model.container' }),
  numa_bind: yesNo({ describe: 'Bind frontends in containers to the first NUMA node with numactl', standard: false }),
  worker_selection: anything('Dynamo: rules for the choice of workers, handed to frontends as --router-policy-config', 'a block of keys'),
  orchestrator_placement: oneOf(['head'], { describe: 'The first router is on node 0', standard: 'head' }),
  dedicated_node: yesNo({ describe: 'Nodes for frontends alone are not available: only false', standard: false }),
  use_sglang_router: yesNo({ describe: 'Router mode; the same as type: sglang', standard: false }),
  sglang_router_args: flags('The same as args, in router mode'),
  dynamo_frontend_args: flags('The same as args, in Dynamo mode'),
  env: environment('Environment of every router or frontend'),
  nginx_container: text({ describe: 'Image of nginx, or an alias of the cluster file', standard: DEFAULTS.nginxContainer }),
  nginx_raise_ulimit: yesNo({ describe: 'Raise the limit of open files for nginx', standard: false }),
  nginx_session_affinity: yesNo({ describe: 'Keep the requests of a session on one router', standard: false }),
  nginx_session_affinity_header: pattern(/^[A-Za-z0-9-]{1,64}$/, 'a name of a header: letters, digits and -', {
    describe: 'Header that names the session',
    standard: DEFAULTS.affinityHeader,
  }),
  nginx_keepalive_timeout: pattern(/^\d{1,6}(ms|s|m|h|d)?$/, 'a time as nginx writes it, for example 600s', {
    describe: 'How long nginx keeps idle connections of clients',
    standard: DEFAULTS.keepaliveTimeout,
  }),
});
