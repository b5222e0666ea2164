// The import table: which folder of src may import which others (itself always), and which modules from outside (Node's and
// packages). The rules of the linter and docs/layers.md are made from it; nothing else says who may know whom.

/** Source of truth; order is the order of the drawing, lowest layers first. `what` is for the drawing. */
export const LAYERS = {
  'base/core': { imports: [], uses: [], what: 'words and contracts: worker, fleet, load, outcome, errors' },
  'wire/http1': { imports: [], uses: [], what: 'bytes <-> HTTP/1.1 messages' },
  'wire/json': { imports: [], uses: [], what: 'scanning request bodies as bytes' },
  'wire/sse': { imports: [], uses: [], what: 'server-sent events' },
  'base/runtime': {
    imports: ['base/core'],
    uses: ['node:perf_hooks', 'node:crypto', 'node:v8', 'node:fs', 'node:fs/promises', 'node:path'],
    what: 'real time, chance, signals and folders',
  },
  'base/config': { imports: [], uses: [], what: "what command lines share: suggestions for mistyped words, spellings of SGLang's flags" },
  'base/telemetry': { imports: ['base/core'], uses: ['node:fs'], what: 'line writer, metric cells' },
  'router/setting': { imports: ['base/core'], uses: ['zod'], what: 'how a setting is declared: shape, default, description' },
  'router/prefix': { imports: ['base/core'], uses: [], what: 'who holds which prefix' },
  'router/policy': { imports: ['base/core', 'router/prefix', 'router/setting'], uses: [], what: 'choosing a worker' },
  'router/config': {
    imports: ['base/core', 'base/config', 'router/setting', 'router/policy'],
    uses: ['yaml'],
    what: 'one schema of settings',
  },
  'router/telemetry': {
    imports: ['base/core', 'base/runtime', 'base/telemetry'],
    uses: ['node:fs', 'node:fs/promises', 'node:path', 'node:tty', 'node:http', 'node:net', 'node:perf_hooks', 'pino', 'pino-pretty'],
    what: 'log, metrics, access record',
  },
  'router/pair': {
    imports: ['base/core', 'wire/json', 'wire/sse'],
    uses: [],
    what: 'prefill and decode of one request: rooms, ledger, fields, logprobs',
  },
  'router/proxy': {
    imports: ['base/core', 'base/runtime', 'router/telemetry', 'wire/http1', 'wire/json', 'wire/sse', 'router/policy', 'router/pair'],
    uses: ['node:net', 'node:tls'],
    what: 'data plane: listener, exchange, upstream pools, relay',
  },
  'router/control/registry': {
    imports: ['base/core'],
    uses: [],
    what: 'single writer of the fleet: records, claims of sources, states, snapshots',
  },
  'router/control/calls': { imports: ['base/core'], uses: ['undici'], what: 'HTTP requests of the control plane to workers' },
  'router/control/probing': {
    imports: ['base/core', 'router/control/calls', 'router/control/registry'],
    uses: [],
    what: 'probes that show whether a worker is up',
  },
  'router/control/facts': {
    imports: ['base/core', 'router/control/calls', 'router/control/registry'],
    uses: [],
    what: 'what workers report about themselves',
  },
  'router/control/sources': {
    imports: ['base/core', 'router/control/registry'],
    uses: [],
    what: 'who wants workers: command line, control API',
  },
  'router/control/routes': {
    imports: ['base/core', 'router/control/calls', 'router/control/registry', 'router/control/sources'],
    uses: [],
    what: 'control API, readiness, requests to all workers',
  },
  'router/control/control.ts': {
    imports: [
      'base/core',
      'router/control/calls',
      'router/control/facts',
      'router/control/probing',
      'router/control/registry',
      'router/control/routes',
      'router/control/sources',
    ],
    uses: [],
    what: 'wiring of the control plane',
  },
  'sim/scheduling': {
    imports: ['base/core', 'base/telemetry'],
    uses: [],
    what: 'model of an SGLang scheduler: queue, batches, KV memory, prefix cache',
  },
  'sim/engine': {
    imports: ['base/core', 'sim/scheduling'],
    uses: [],
    what: 'one simulated engine without its sockets: ranks, jobs, faults, settings',
  },
  'sim/http': { imports: ['base/core', 'sim/engine'], uses: ['node:http', 'node:net'], what: "uvicorn's manners over node:http" },
  'sim/api': {
    imports: ['base/telemetry', 'wire/json', 'sim/scheduling', 'sim/engine', 'sim/http'],
    uses: [],
    what: 'routes of the SGLang API',
  },
  'sim/pairs': {
    imports: ['base/core', 'sim/scheduling', 'sim/engine', 'sim/http'],
    uses: ['node:http'],
    what: 'how the two engines of a pair meet and hand KV over',
  },
  'sim/program': {
    imports: ['base/core', 'base/config', 'base/runtime', 'sim/engine', 'sim/http', 'sim/api', 'sim/pairs'],
    uses: ['node:net', 'commander'],
    what: 'flags, log, nodes, and the wiring of a simulated engine',
  },
  'srtctl/recipe/text': { imports: [], uses: ['yaml'], what: 'YAML as trees with places, and the problems found in them' },
  'srtctl/recipe/secrets': { imports: ['srtctl/recipe/text'], uses: [], what: 'which values are secret, and their redaction' },
  'srtctl/recipe/schema': {
    imports: ['base/config', 'srtctl/recipe/text'],
    uses: ['zod'],
    what: 'every key of recipes and cluster files',
  },
  'srtctl/recipe/variants': {
    imports: ['base/config', 'srtctl/recipe/text'],
    uses: [],
    what: 'overrides, sweeps, `--set`: one tree -> several',
  },
  'srtctl/recipe/resolve': {
    imports: ['base/config', 'srtctl/recipe/schema', 'srtctl/recipe/secrets', 'srtctl/recipe/text'],
    uses: [],
    what: 'one tree -> Recipe',
  },
  'srtctl/recipe/load': {
    imports: ['srtctl/recipe/resolve', 'srtctl/recipe/schema', 'srtctl/recipe/secrets', 'srtctl/recipe/text', 'srtctl/recipe/variants'],
    uses: ['node:fs', 'node:path'],
    what: 'files -> recipes and cluster',
  },
  'srtctl/plan': {
    imports: ['router/config', 'srtctl/recipe/resolve'],
    uses: ['node:path'],
    what: 'Recipe -> Plan: nodes, processes, argv, ports',
  },
  'srtctl/launch': {
    imports: ['base/core', 'base/telemetry', 'srtctl/plan'],
    uses: ['node:fs/promises', 'node:net', 'node:path'],
    what: 'contract of launchers, and what both share',
  },
  'srtctl/local': {
    imports: ['base/core', 'srtctl/launch', 'srtctl/plan'],
    uses: ['node:child_process', 'node:fs', 'node:fs/promises', 'node:net', 'node:os', 'node:path'],
    what: 'launcher: child processes of this machine',
  },
  'srtctl/slurm': {
    imports: ['base/core', 'srtctl/launch', 'srtctl/plan', 'srtctl/recipe/resolve', 'srtctl/recipe/secrets'],
    uses: ['node:child_process', 'node:dns/promises', 'node:net', 'node:os', 'node:path'],
    what: 'launcher: steps of a SLURM job',
  },
  'srtctl/supervise': {
    imports: ['base/core', 'base/runtime', 'srtctl/launch', 'srtctl/plan', 'srtctl/recipe/secrets'],
    uses: ['node:crypto', 'node:fs/promises', 'node:net', 'node:path', 'undici'],
    what: 'state machine of a run, readiness, report',
  },
  'srtctl/bench': {
    imports: ['base/core', 'base/runtime', 'wire/sse'],
    uses: ['node:fs/promises', 'node:path', 'undici'],
    what: 'load client, measurement, result files',
  },
  'srtctl/commands': {
    imports: [
      'base/core',
      'base/runtime',
      'srtctl/bench',
      'srtctl/launch',
      'srtctl/local',
      'srtctl/plan',
      'srtctl/recipe/load',
      'srtctl/recipe/resolve',
      'srtctl/recipe/secrets',
      'srtctl/recipe/text',
      'srtctl/recipe/variants',
      'srtctl/slurm',
      'srtctl/supervise',
    ],
    uses: [
      'commander',
      'log-update',
      'node:child_process',
      'node:crypto',
      'node:fs',
      'node:fs/promises',
      'node:os',
      'node:path',
      'picocolors',
    ],
    what: 'sub-commands of srtctl',
  },
};

/** Folders without input, output, clock or chance of their own; besides each other they may use `Buffer`. */
export const PURE = [
  'base/core',
  'base/config',
  'wire/http1',
  'wire/json',
  'wire/sse',
  'router/setting',
  'router/prefix',
  'router/policy',
  'router/pair',
  'srtctl/recipe/secrets',
  'srtctl/recipe/variants',
  'srtctl/recipe/resolve',
  'sim/scheduling',
];

/** May import everything, and nothing may import them. */
export const TOP = ['bin', 'router/compose.ts', 'index.ts'];
