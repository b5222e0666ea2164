/** `npm start`: the router with four simulated engines behind it, in one process, so that nothing can be left behind. */
import { readFileSync } from 'node:fs';
import { realClock } from '../base/runtime/clock.ts';
import { createRng } from '../base/runtime/rng.ts';
import { watchSignals } from '../base/runtime/signals.ts';
import { type RunningRouter, startRouter } from '../router/compose.ts';
import { type Config, formatProblems, type LoadedConfig, loadConfig } from '../router/config/load-config.ts';
import { startLog } from '../router/telemetry/log.ts';
import { type SimHandle, startSim } from '../sim/program/start-sim.ts';
import { DEMO_HELP, demoScreen, MODEL } from './demo-text.ts';
import { EXIT_USAGE, startFailure } from './start-failure.ts';
import { VERSION } from './version.ts';

const ENGINES = 4;
/** Slow enough that people see tokens come one by one. */
const ITL_MS = 20;
/** Nobody wants to wait for a demonstration; used unless a person chose another. */
const GRACE_SECS = 2;
const READY_LIMIT_MS = 5000;
const PARENT_CHECK_MS = 250;

type Loaded = LoadedConfig & { readonly kind: 'config' };

async function main(): Promise<number> {
  const asked = load([]);
  switch (asked.kind) {
    case 'help':
      process.stdout.write(DEMO_HELP);
      return 0;
    case 'version':
      process.stdout.write(`sglang-router ${VERSION}\n`);
      return 0;
    case 'check':
      process.stdout.write(asked.text);
      return 0;
    case 'errors':
      process.stderr.write(formatProblems(asked.problems));
      return EXIT_USAGE;
    case 'config':
  }
  const isOutputGone = new Promise<void>((resolve) => {
    // The reader of the output has left, as in `npm start | head -1`.
    process.stdout.on('error', () => resolve());
  });
  process.stderr.on('error', () => {});
  process.stdout.write('starting a router and four simulated engines ...\n');
  const sims = await Promise.all(Array.from({ length: ENGINES }, (_, i) => startSim({ modelPath: MODEL, seed: i + 1, itlMs: ITL_MS })));
  try {
    const loaded = load(['--worker-urls', ...sims.map((sim) => sim.url)]);
    // Not possible after the first look, unless the file has changed meanwhile.
    if (loaded.kind !== 'config') return EXIT_USAGE;
    for (const warning of loaded.warnings) process.stderr.write(`warning: ${warning}\n`);
    return await run(loaded, sims, isOutputGone);
  } finally {
    await Promise.all(sims.map((sim) => sim.stop()));
  }
}

/** `first`: flags before those of the person. */
function load(first: readonly string[]): LoadedConfig {
  return loadConfig({ argv: [...first, ...process.argv.slice(2)], env: process.env, readFile: (path) => readFileSync(path, 'utf8') });
}

/** What a person chose, and where nobody did, what suits a demonstration. */
function tuned({ config, sources }: Loaded): Config {
  return {
    ...config,
    logLevel: sources.logLevel === 'default' ? 'warn' : config.logLevel,
    shutdownGracePeriodSecs: sources.shutdownGracePeriodSecs === 'default' ? GRACE_SECS : config.shutdownGracePeriodSecs,
  };
}

async function run(loaded: Loaded, sims: readonly SimHandle[], isOutputGone: Promise<void>): Promise<number> {
  const { sources } = loaded;
  const isMetricsChosen = sources.prometheusPort !== 'default' || sources.prometheusHost !== 'default';
  const config = tuned(loaded);
  const log = startLog({ level: config.logLevel, format: config.logFormat, directory: config.logDir }, realClock);
  try {
    const runtime = { clock: realClock, rng: createRng(config.seed ?? undefined), logger: log.logger, droppedLogLines: log.droppedLines };
    const router = await startRouter(config, runtime, isMetricsChosen);
    let stop: () => void = () => {};
    const isStopped = new Promise<void>((resolve) => {
      stop = resolve;
    });
    watchSignals((_, count) => {
      if (count > 1) router.hurry();
      stop();
    });
    await Promise.race([isReady(router, ENGINES), isStopped]);
    const metrics = router.metricsAddress;
    process.stdout.write(
      demoScreen({
        router: visitable(router.address),
        policy: config.policy,
        engines: sims.map((sim) => sim.url),
        metrics: metrics === null ? null : `${visitable(metrics)}/metrics`,
        metricsPort: config.prometheusPort,
      }),
    );
    await Promise.race([isStopped, isOutputGone, isOrphaned()]);
    process.stdout.write('\nstopping\n');
    await router.stop();
    return 0;
  } catch (error) {
    const failure = startFailure(error, config.host, config.port, 'npm start -- ');
    process.stderr.write(`error: ${failure.text}\n`);
    return failure.exitCode;
  } finally {
    await log.stop();
  }
}

/** Until the engines take requests, so that what the screen says to do works at once. */
async function isReady(router: RunningRouter, engines: number): Promise<void> {
  const startMs = realClock.nowMs();
  while (router.fleet.current.eligible.regular.length < engines && realClock.nowMs() - startMs < READY_LIMIT_MS) {
    await new Promise<void>((resolve) => realClock.after(5, resolve));
  }
}

/** `kill` of npm ends npm and the shell between it and this process, which is told nothing. Never resolves without npm. */
async function isOrphaned(): Promise<void> {
  const parent = process.ppid;
  while (process.env['npm_lifecycle_event'] === undefined || process.ppid === parent) {
    await new Promise<void>((resolve) => realClock.after(PARENT_CHECK_MS, resolve));
  }
}

/** A URL that a person can open: an address that stands for all interfaces is shown as the local one. */
function visitable({ host, port }: { readonly host: string; readonly port: number }): string {
  const local = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${local.includes(':') ? `[${local}]` : local}:${port}`;
}

process.exit(await main());
