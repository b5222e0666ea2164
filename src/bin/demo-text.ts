/** What `npm start` says: its help and its first screen. Lines fit into 80 columns (with ports of up to five digits). */

export const MODEL = 'simulated-llama';

export const DEMO_HELP = `Usage: npm start -- [OPTIONS]

Starts a router and, behind it, four simulated engines, all in one process.
Needs no GPU, no model and no network. Ctrl-C stops everything.

The options are those of the router. Most useful here:
      --port <PORT>             port of the router [default: 3001]
      --policy <POLICY>         how a worker is chosen: round_robin, random,
                                power_of_two, cache_aware [default: round_robin]
      --prometheus-port <PORT>  port of the metrics [default: 29000]
      --log-level <LEVEL>       debug, info, warn, error [default here: warn]
      --worker-urls <URLS>      further workers beside the simulated ones
  -h, --help                    print this

  node dist/bin/router.js --help    all options, and the router alone
  node dist/bin/sim.js --help       one simulated engine alone
`;

export interface DemoScreen {
  /** Base URL of the router. */
  readonly router: string;
  readonly policy: string;
  readonly engines: readonly string[];
  /** URL of the metrics; null: their port is taken. */
  readonly metrics: string | null;
  readonly metricsPort: number;
}

export function demoScreen({ router, policy, engines, metrics, metricsPort }: DemoScreen): string {
  return `
  router     ${router}   (policy ${policy})
  engines    ${engines.join('\n             ')}
             simulated: no GPU, no model, invented text, real timing
  metrics    ${metrics ?? `not served: port ${metricsPort} is taken; choose one with --prometheus-port`}

  See tokens stream through the router; paste this into another terminal:

  curl -sN ${router}/v1/chat/completions \\
    -H 'Content-Type: application/json' \\
    -d '{"model":"${MODEL}","stream":true,"max_tokens":40,
         "messages":[{"role":"user","content":"Hello"}]}'

  See the workers and their load:

  curl -s ${router}/workers

  Ctrl-C stops everything.

`;
}
