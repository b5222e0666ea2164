// docs/srtctl-runs.md: how long is waited for what, and which errors are known, from the code that does it.

import { TIERS } from '../../dist/srtctl/plan/plan.js';
import { DEFAULTS } from '../../dist/srtctl/recipe/schema/defaults.js';
import { DOUBTFUL_SMOKE_TEST_IDLE, SERVICE_IDLE, SMOKE_TEST_IDLE, WORKER_IDLE } from '../../dist/srtctl/supervise/idle-timeout.js';
import { KNOWN_ERRORS } from '../../dist/srtctl/supervise/known-errors.js';
import { NAMED_MS } from '../../dist/srtctl/supervise/silences.js';
import { GRACE_MS, HURRY_MS } from '../../dist/srtctl/supervise/tear-down.js';

const PATIENCE = [
  ['workers', WORKER_IDLE],
  ['routers, frontends, nginx, etcd, NATS', SERVICE_IDLE],
  ['the first requests', SMOKE_TEST_IDLE],
  ['the first requests of a plan that contradicts itself', DOUBTFUL_SMOKE_TEST_IDLE],
];

const STOPS = [
  ['benchmark', TIERS.benchmark, 'SIGTERM to all of its process group'],
  ['nginx', TIERS.entrance, 'SIGQUIT: it finishes what is under way'],
  ['routers, frontends', TIERS.routers, 'SIGTERM: they finish what is under way'],
  ['workers', TIERS.workers, 'SIGTERM: they finish what is under way'],
  ['etcd, NATS', TIERS.infrastructure, 'SIGTERM to all of its process group'],
];

const cell = (text) => text.replaceAll('|', '\\|');

export function outputs() {
  const text = `# How a run is watched

<!-- Written by tools/generate.mjs from tools/generators/srtctl-runs.mjs and src/srtctl/supervise. Do not edit. -->

What [srtctl](srtctl.md) does with a plan between its first process and its last, with the figures that the program uses.

    preparing -> starting (tier by tier) -> proving -> benchmarking or serving -> stopping (tier by tier, from the top) -> ended
        |              |                       |               |                     ^
        +--------------+-----------------------+---------------+---------------------+
          a port taken, a death, timed out, no answer, a failed benchmark, a lost node, a wish to stop

These are the values of \`state\` in \`status.json\`; there, each process is \`waiting\`, \`starting\`, \`ready\`, \`stopping\` or \`ended\`.

## How long is waited

From the start of the first process on, \`health_check\` (attempts times interval) is the limit of all waiting together. Within it, silence ends the wait
earlier. A sign of life is a line of output of the process, or of another rank of the same worker, or another answer to the question whether it
is ready. Lines that announce slow work (weights, checkpoint shards, compilation, graph capture, downloads, progress bars) allow a longer silence.

| Waited for | Silence, s | Silence after a line about slow work, s |
| --- | --- | --- |
${PATIENCE.map(([what, { idleMs, slowIdleMs }]) => `| ${what} | ${idleMs / 1000} | ${slowIdleMs / 1000} |`).join('\n')}

The end of a process ends the wait at once, whatever its status.

## While it runs

Every process with an address is probed: engines by \`/health\` (200), routers by \`/liveness\`, Dynamo frontends and workers by \`/health\`, nginx by
\`/.srtctl/run\`, which it answers itself. A silent log is no sign: routers and long prefills print nothing and are well.

- After ${NAMED_MS / 1000} s without an answer, the output, \`events.jsonl\` and \`status\` name the process, with its node and last line. \`silentSince\` in \`status.json\` is the time of its last answer.
- After \`health_check.silence_secs\` (default ${DEFAULTS.silenceSeconds}) the run ends with exit code 7. The report blames the process that was silent first.
- If the benchmark fails, srtctl asks every process once before it blames the benchmark. It waits up to 30 s for the end of a process that is gone. Such a run ends with 7, not 6.
- If the first requests are not answered, srtctl asks each worker and router directly. Pairs get one request to both halves, in a room of their own. The report names the process that does not do its share.

## How processes are stopped

A tier is stopped at once, the next one when all of it has ended. What has not ended in time is killed with its whole process group,
and what does not answer its probe is killed at once.

| Tier | How | Killed after, s |
| --- | --- | --- |
${STOPS.map(([what, tier, how]) => `| ${what} | ${how} | ${GRACE_MS[tier] / 1000} |`).join('\n')}

A second wish to stop (Ctrl-C, SIGTERM, \`srtctl cancel\`) sends SIGTERM to everything that still runs and kills the rest after ${HURRY_MS / 1000} s; a third kills at once. In the
end, processes that left their group are looked for by the variable \`SRTCTL_RUN_ID\`, killed, and named in the report.

On this machine each process has a process group of its own, and a small shell outside of the supervisor's session (\`process-group-keeper\` in the list of processes, so that no \`pkill -f srtctl\` ends it) holds the other end of a pipe to it: when
the supervisor is killed, the guard ends all groups, 2 s later with SIGKILL, and leaves a line in \`logs/guard.log\`.

## What failed first

After a failure, others are listened to for a moment, for the first one to be heard of is often a victim. A lost node goes before its processes, a
process whose output names a cause before one that names a symptom, a crash before an end with status 0, a silent process after those, and all of them before a failed benchmark.
The others are listed in the report as "about the same time".

## Known errors

Looked for in the last lines of a process and in those of its lines that look like errors. *Cause*: explains other failures; *symptom*: usually follows from one elsewhere.

| Known as | Looked for in | Kind | What to do |
| --- | --- | --- | --- |
${KNOWN_ERRORS.map(({ name, roles, kind, hint }) => `| ${name} | ${roles === null ? 'all' : roles.join(', ')} | ${kind} | ${cell(hint)} |`).join('\n')}

A plan is searched for contradictions, too: a router that is told another bootstrap port than its prefill worker has, and transfer backends that
differ. They are warned of before anything starts, and lead the hints if the run does not become ready or its benchmark fails.
`;
  return [{ file: 'docs/srtctl-runs.md', text }];
}
