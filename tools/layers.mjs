// The import table: which folder of src may import which others (itself always), and which modules from outside (Node's and
// packages). The rules of the linter and docs/layers.md are made from it; nothing else says who may know whom.

/** Source of truth; order is the order of the drawing, lowest layers first. `what` is for the drawing. */
export const LAYERS = {
  core: { imports: [], uses: [], what: 'words and contracts: worker, fleet, load, outcome, errors' },
  http1: { imports: [], uses: [], what: 'bytes <-> HTTP/1.1 messages' },
  json: { imports: [], uses: [], what: 'scanning request bodies as bytes' },
  sse: { imports: [], uses: [], what: 'server-sent events' },
  runtime: {
    imports: ['core'],
    uses: ['node:perf_hooks', 'node:crypto', 'node:process', 'node:v8', 'node:fs', 'node:fs/promises', 'node:path'],
    what: 'real time, chance, signals and folders',
  },
  config: { imports: ['core'], uses: ['node:fs', 'node:path', 'zod', 'yaml', 'commander'], what: 'one schema of settings' },
  telemetry: {
    imports: ['core', 'runtime'],
    uses: ['node:fs', 'node:fs/promises', 'node:path', 'node:tty', 'node:http', 'node:net', 'node:perf_hooks', 'pino', 'pino-pretty'],
    what: 'log, metrics, access record',
  },
  prefix: { imports: ['core'], uses: [], what: 'who holds which prefix' },
  policy: { imports: ['core', 'prefix'], uses: [], what: 'choosing a worker' },
  pair: { imports: ['core', 'json', 'sse'], uses: [], what: 'prefill and decode of one request: rooms, ledger, fields, logprobs' },
  proxy: {
    imports: ['core', 'runtime', 'config', 'telemetry', 'http1', 'json', 'sse', 'policy', 'pair'],
    uses: ['node:net', 'node:tls'],
    what: 'data plane: listener, exchange, upstream pools, relay',
  },
  control: {
    imports: ['core', 'runtime', 'config', 'telemetry', 'policy'],
    uses: ['undici', 'node:fs', 'node:crypto'],
    what: 'control plane: registry, probes, admin API',
  },
  sim: {
    imports: ['core', 'runtime', 'config', 'http1', 'json', 'sse', 'prefix'],
    uses: ['node:http', 'node:net', 'node:stream', 'commander'],
    what: 'the simulated engine',
  },
  srtctl: {
    imports: ['core', 'runtime', 'config', 'telemetry', 'sse', 'http1'],
    uses: [
      'node:child_process',
      'node:crypto',
      'node:dns/promises',
      'node:fs',
      'node:fs/promises',
      'node:net',
      'node:os',
      'node:path',
      'node:readline',
      'node:tty',
      'node:url',
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
export const PURE = ['core', 'http1', 'json', 'sse', 'prefix', 'policy', 'pair'];

/** May import everything, and nothing may import them. */
export const TOP = ['bin', 'compose.ts', 'index.ts'];
