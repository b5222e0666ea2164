// docs/metrics.md from the declarations of the metrics.
import { COLLECTION_BUCKETS, DURATION_BUCKETS, INTER_TOKEN_BUCKETS } from '../../dist/router/telemetry/buckets.js';
import { METRICS } from '../../dist/router/telemetry/declarations.js';

/** The page as Markdown. */
function metricsPage() {
  const declarations = Object.values(METRICS);
  const row = ({ name, type, unit, labels, help, origin }) =>
    `| \`${name}\` | ${type} | ${unit} | ${labels.map((label) => `\`${label}\``).join(', ') || '-'} | ${help} | ${origin} |`;
  const seconds = (bounds) => bounds.join(', ');
  return `# Metrics

<!-- Written by tools/generate.mjs from src/router/telemetry/declarations.ts. Do not edit. -->

The router answers any GET on \`--prometheus-host\` and \`--prometheus-port\` (29000) with Prometheus' text format 0.0.4. If the default port is
taken, the router logs a warning and starts without metrics; if a port that was set explicitly cannot be bound, the router exits.

Origin \`smg\`: same name and labels as sglang_router 0.3.x and smg, so their dashboards work. Origin \`own\`: only here; among them the time to the
first token and between tokens of HTTP streams, per worker, which those routers do not measure.

Label values come from closed sets or are capped: paths without a route share \`path="other"\`, and after 256 models the next ones
share \`model="other"\`. When a worker leaves, the router removes its series. A histogram appears with its first observation, and a counter with the
label \`worker\` with its first count; all gauges and all other counters are there from the start. So a worker without requests is visible by
\`smg_worker_health\` and \`smg_worker_requests_active\`, and a large idle fleet is a small page: 126 KB for 1,000 workers, 6.9 MB when all have
served. The router writes the page in slices of 64 KB, one per turn of its event loop, so a scrape delays no stream. Origin \`node\`: the process
and Node itself, under the usual names of Node programs.

| Name | Type | Unit | Labels | Meaning | Origin |
|---|---|---|---|---|---|
${declarations.map(row).join('\n')}

Buckets in seconds; \`--prometheus-duration-buckets\` replaces the first list, no other:

- durations and times to the first token: ${seconds(DURATION_BUCKETS)}
- garbage collection: ${seconds(COLLECTION_BUCKETS)}
- times between tokens (\`smg_worker_inter_token_latency_seconds\`, \`smg_router_tpot_seconds\`): ${seconds(INTER_TOKEN_BUCKETS)}
`;
}

export function outputs() {
  return [{ file: 'docs/metrics.md', text: metricsPage() }];
}
