// docs/srtctl-plan.md: what a recipe becomes, with tables and examples that planning itself gives.
import { readFileSync } from 'node:fs';
import { nginxConfig } from '../../dist/srtctl/plan/nginx-config.js';
import { placeRouters } from '../../dist/srtctl/plan/place-routers.js';
import { planRecipe } from '../../dist/srtctl/plan/plan-recipe.js';
import { planTable } from '../../dist/srtctl/plan/plan-table.js';
import { loadRecipe } from '../../dist/srtctl/recipe/load/load-recipe.js';
import { NO_CLUSTER } from '../../dist/srtctl/recipe/resolve/cluster.js';

const ADDITIONAL = [1, 2, 3, 4, 5, 9];
const NODES = [2, 4, 5, 6, 8, 12];

function placementTable() {
  const cell = (nodes, additional) => {
    const placed = placeRouters(nodes, additional, 'ceiling');
    const isFewer = placed.length < Math.min(1 + additional, nodes);
    return isFewer ? `**${placed.join(', ')}**` : placed.join(', ');
  };
  const rows = NODES.map((nodes) => `| ${[nodes, ...ADDITIONAL.map((additional) => cell(nodes, additional))].join(' | ')} |`);
  return [`| nodes | ${ADDITIONAL.join(' | ')} |`, `|---${'|---'.repeat(ADDITIONAL.length)}|`, ...rows].join('\n');
}

/** The plan of a recipe of the repository. */
function planned(file) {
  const { recipes } = loadRecipe(readFileSync(new URL(`../../recipes/${file}`, import.meta.url), 'utf8'), file);
  const { plan } = planRecipe(recipes[0], NO_CLUSTER, { local: false, directory: '/' });
  return plan;
}

const argvOf = (plan, id) => plan.processes.find((process) => process.id === id).argv;

export function outputs() {
  const seed = planned('seed.yaml');
  const several = planned('several-workers-per-node.yaml');
  const text = `# What a recipe becomes

<!-- Written by tools/generate.mjs from tools/generators/srtctl-plan.mjs and src/srtctl/plan. Do not edit. -->

A plan is everything that a recipe starts, as data: nodes \`n0\`, \`n1\`, ..., and for every process its node, command, environment, ports, GPUs,
container, mounts, log, tier and the rule by which it counts as ready. \`srtctl plan -f FILE\` shows it, \`--json\` shows all of it, and a run
executes exactly that. Planning reads no clock, no network and no other file: the same recipe and cluster file give the same plan.
[recipe-reference.md](recipe-reference.md) has the keys that are named here.

The complete example of router mode, \`recipes/seed.yaml\`:

\`\`\`text
${planTable(seed).split('\n\n').slice(0, 3).join('\n\n')}
\`\`\`

## Routers on nodes

With \`enable_multiple_frontends: false\` one router has the public port of node 0, and there is no nginx. Otherwise nginx has it, router 0 is on
node 0, and \`num_additional_frontends\` more follow from node 1 on, one on every n-th node, n = ceil((nodes - 1) / num_additional_frontends).
The ceiling can leave fewer routers than asked: in bold, nodes would have sufficed. The plan warns, and \`frontend.spread: even\` starts as
many as asked, at equal distances, one on a node at most. Numbers are nodes with a router, by nodes (down) and num_additional_frontends (across):

${placementTable()}

Dynamo frontends are placed in the same way.

## Workers on nodes

Prefill workers have the first nodes, decode workers the next ones (or the same, with \`decode_nodes: 0\`). Within its nodes a group spreads evenly.
A worker of fewer GPUs than a node shares the node with others and sees its own GPUs only, by \`CUDA_VISIBLE_DEVICES\`; with \`spread_workers\`
it has the node to itself. A worker of more GPUs than a node is several processes, ranks 0, 1, ... on consecutive nodes (\`decode-0\`, \`decode-0.1\`, ...),
which meet at the first one by \`--dist-init-addr\`, \`--nnodes\` and \`--node-rank\`; clients and routers know rank 0 only.

## Ports

| Port | Who | Comes from |
|---|---|---|
| 8000 | nginx, or the single router, on node 0 | \`frontend.public_port\` |
| 30080 | routers and Dynamo frontends behind nginx | \`frontend.router_port\` |
| 29000 | metrics of routers | \`frontend.args.prometheus-port\` |
| 30000 | workers | \`port\` in \`sglang_config\` |
| 30001 | bootstrap server of prefill workers; routers are told | \`disaggregation-bootstrap-port\` in \`sglang_config\` |
| 17500 and up | NCCL of workers on one node, each another | \`nccl-port\` in \`sglang_config\` |
| 29500 and up | where the ranks of a worker meet | - |
| 2379, 2380, 4222, 8222, 7500 and up | Dynamo: etcd, NATS, workers | \`dynamo.etcd_port\`, \`nats_port\`, \`worker_port\` |

The second worker of a node has ports 32 higher, the third 64 higher, and so on; the next free one if that is taken. Two processes on one port of a
node are a problem that names both, before anything starts. Processes listen on the address of their node; \`frontend.public_host: 0.0.0.0\` opens
the endpoint on all addresses of node 0.

Everything that must agree has one source: with several prefill workers on a node (\`recipes/several-workers-per-node.yaml\`) each has its own
bootstrap port, and that is what routers are told:

\`\`\`text
${argvOf(several, 'router-0').slice(2, 12).join(' ')} ...
\`\`\`

## Command lines

An engine gets what it serves, then the flags of the recipe in their order, then where it is:

\`\`\`text
${argvOf(seed, 'prefill-1').join(' ')}
\`\`\`

\`true\` is a flag alone; \`false\`, \`null\` and an empty list are no flag; a list is several words; an object is one word of JSON. No shell reads any
of it. \`host\`, \`port\`, \`nccl-port\`, \`dist-init-addr\`, \`nnodes\`, \`node-rank\`, \`disaggregation-mode\`, the model's path and name, and prefill's bootstrap
port are written by the plan, once. \`served-model-name\` is the recipe's, or the last part of the model's path, the same for all workers.

\`backend.type: sim\` starts [sglang-sim](sglang-sim.md) with the same flags. \`frontend.router: sglang_router\` starts
\`python -m sglang_router.launch_router\` in the container with the same words as the bundled router:

\`\`\`text
${argvOf(seed, 'router-0').slice(2).join(' ')}
\`\`\`

## Environment, paths, containers

Variables come from \`environment\` of the cluster file, then of the recipe, then of the role (\`prefill_environment\`, ..., \`frontend.env\`,
\`benchmark.env\`); later ones win. \`{node}\` in a value becomes the address of the node, \`{node_id}\` its number.

In containers the model is mounted at \`/model/\`, \`sglang_src_dir\` at \`/ext-sglang-src/\`, the run directory at its own path, its
\`logs\` at \`/logs\`, a directory \`configs\` (of the working directory, or above the recipe) at \`/configs\`, and what \`INFMAX_WORKSPACE\`
names, if it is set, at \`/infmax-workspace\`. \`model-path: /model/\` says so. With \`--local\` or \`container_runtime: none\` the same recipe gets the paths of the host instead.

With \`sglang_src_dir\`, \`pip install -e . --no-deps\` runs there before every prefill, decode and aggregated worker; without it nothing is mounted or
installed. Every pip has \`PIP_BREAK_SYSTEM_PACKAGES=1\`. A \`setup_script\`, found beside the recipe, in \`configs/\` or in
\`configs/patches/\`, runs before that, by bash. A step that fails is a failed start of its process. These, the preamble of the
cluster file and the command of a \`custom\` benchmark are all that a shell ever reads.

Symbols stand for what is known only at launch: \`<node0>\` for the address of n0 and so on, \`<run>\` for the run directory, \`<job>\` for the name of
the run, \`<namespace>\` for the same as Dynamo takes names, \`<package>\` and \`<node-binary>\` for this package and its Node.

## nginx

nginx needs no privileges, stays in the foreground, and has its files in \`nginx/\` of the run directory. Requests go to routers in turn, over connections
that are kept; with \`nginx_session_affinity\` those with the same header go to the same router. Nothing is buffered in either direction and bodies
have no limit. A router that refuses connections is passed over and the request goes to the next; a request that a router may have begun is
never repeated. Idle connections to routers end before the routers would end them.

\`\`\`nginx
${nginxConfig({
  listen: '<node0>:8000',
  upstreams: ['<node0>:30080', '<node1>:30080'],
  affinityHeader: 'X-Session-ID',
  keepaliveTimeout: '600s',
  upstreamKeepaliveMs: 60_000,
  raisesUlimit: false,
}).trimEnd()}
\`\`\`
`;
  return [{ file: 'docs/srtctl-plan.md', text }];
}
