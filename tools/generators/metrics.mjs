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
taken it says so and goes on without; a port that was asked for and cannot be had is an error.

Origin \`smg\`: same name and labels as sglang_router 0.3.x and smg, so their dashboards work. Origin \`own\`: only here; among them the time to the
first token and between tokens of HTTP streams, per worker, which those routers do not measure.

Label values come from closed sets or are capped: paths without a route of their own share \`path="other"\`, and after 256 models the next ones
share \`model="other"\`. The series of a worker go when it leaves. Counters and gauges are there from the start, a histogram from its first
observation. Origin \`node\`: the process and Node itself, under the names that are usual for Node programs.

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
