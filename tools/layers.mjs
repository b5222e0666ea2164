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
  'base/config': { imports: [], uses: [], what: 'what all command lines share: suggestions for mistyped words' },
  'base/telemetry': { imports: ['base/core'], uses: ['node:fs'], what: 'line writer, metric cells' },
  'router/config': {
    imports: ['base/core', 'base/config'],
    uses: ['zod', 'yaml'],
    what: 'one schema of settings',
  },
  'router/telemetry': {
    imports: ['base/core', 'base/runtime', 'base/telemetry'],
    uses: ['node:fs', 'node:fs/promises', 'node:path', 'node:tty', 'node:http', 'node:net', 'node:perf_hooks', 'pino', 'pino-pretty'],
    what: 'log, metrics, access record',
  },
  'router/prefix': { imports: ['base/core'], uses: [], what: 'who holds which prefix' },
  'router/policy': { imports: ['base/core', 'router/prefix'], uses: [], what: 'choosing a worker' },
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
  'router/control': { imports: ['base/core'], uses: ['undici'], what: 'control plane: registry, probes, admin API' },
  sim: {
    imports: ['base/core', 'base/config', 'base/runtime', 'wire/json'],
    uses: ['node:http', 'node:net', 'commander'],
    what: 'the simulated engine',
  },
  srtctl: {
    imports: ['base/core', 'base/config', 'base/runtime', 'base/telemetry', 'router/config', 'wire/sse'],
    uses: [
      'node:child_process',
      'node:crypto',
      'node:dns/promises',
      'node:fs',
      'node:fs/promises',
      'node:net',
      'node:os',
      'node:path',
      'undici',
      'yaml',
      'zod',
      'commander',
      'log-update',
      'picocolors',
    ],
    what: 'launching fleets',
  },
};

/** Folders without input, output, clock or chance of their own; besides each other they may use `Buffer`. */
export const PURE = ['base/core', 'base/config', 'wire/http1', 'wire/json', 'wire/sse', 'router/prefix', 'router/policy', 'router/pair'];

/** May import everything, and nothing may import them. */
export const TOP = ['bin', 'router/compose.ts', 'index.ts'];
