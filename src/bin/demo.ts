#!/usr/bin/env node
/** `npm start`: the router with four simulated engines behind it, in one process, so that nothing can be left behind. */
import { startRouter } from '../compose.ts';
import { formatProblems, loadConfig } from '../config/load-config.ts';
import { realClock } from '../runtime/clock.ts';
import { createRng } from '../runtime/rng.ts';
import { watchSignals } from '../runtime/signals.ts';
import { startSim } from '../sim/start-sim.ts';
import { startLog } from '../telemetry/log.ts';
import { startFailure } from './start-failure.ts';

const ENGINES = 4;
const EXIT_USAGE = 2;
const MODEL = 'simulated-llama';

async function main(): Promise<number> {
  const sims = await Promise.all(Array.from({ length: ENGINES }, (_, i) => startSim({ modelPath: MODEL, seed: i + 1, itlMs: 20 })));
  const urls = sims.map((sim) => sim.url);
  const stopEngines = async (): Promise<void> => {
    await Promise.all(sims.map((sim) => sim.stop()));
  };
  const loaded = loadConfig({
    argv: ['--worker-urls', ...urls, '--log-level', 'warn', '--shutdown-grace-period-secs', '2', ...process.argv.slice(2)],
    env: process.env,
    readFile: () => '',
  });
  if (loaded.kind !== 'config') {
    await stopEngines();
    if (loaded.kind !== 'errors') return 0;
    process.stderr.write(formatProblems(loaded.problems));
    return EXIT_USAGE;
  }
  const { config, sources } = loaded;
  const log = startLog({ level: config.logLevel, format: config.logFormat, directory: config.logDir }, realClock);
  try {
    const isMetricsChosen = sources.prometheusPort !== 'default' || sources.prometheusHost !== 'default';
    const runtime = { clock: realClock, rng: createRng(config.seed ?? undefined), logger: log.logger, droppedLogLines: log.droppedLines };
    const router = await startRouter(config, runtime, isMetricsChosen);
    const { host, port } = router.address;
    const base = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
    const metrics =
      router.metricsAddress === null
        ? 'not served, the port is taken'
        : `http://${router.metricsAddress.host}:${router.metricsAddress.port}/metrics`;
    process.stdout.write(firstScreen(base, config.policy, urls, metrics));
    await new Promise<void>((resolve) => {
      watchSignals((_, count) => {
        if (count === 1) resolve();
        else router.hurry();
      });
    });
    process.stdout.write('\nstopping\n');
    await router.stop();
    return 0;
  } catch (error) {
    process.stderr.write(`${startFailure(error, config.host, config.port)}\n`);
    return 1;
  } finally {
    await stopEngines();
    await log.stop();
  }
}

function firstScreen(base: string, policy: string, engines: readonly string[], metrics: string): string {
  return `
  router     ${base}   (policy ${policy})
  engines    ${engines.join('\n             ')}
             simulated: no GPU, invented text, real timing
  metrics    ${metrics}
  workers    curl ${base}/workers

  Try it: tokens stream as they are made.

  curl -N ${base}/v1/chat/completions -H 'Content-Type: application/json' -d '{"model":"${MODEL}","messages":[{"role":"user","content":"Hello"}],"max_tokens":40,"stream":true}'

  Ctrl-C stops everything.

`;
}

process.exit(await main());
