/** The router as a program: arguments -> configuration -> running router -> signal. */
import { readFileSync } from 'node:fs';
import type { Logger } from '../base/core/logger.ts';
import { realClock } from '../base/runtime/clock.ts';
import { createRng } from '../base/runtime/rng.ts';
import { HangUps, watchSignals } from '../base/runtime/signals.ts';
import { tuneForRelaying } from '../base/runtime/v8-flags.ts';
import { type RunningRouter, startRouter } from '../router/compose.ts';
import { type Config, formatProblems, type LoadedConfig, loadConfig } from '../router/config/load-config.ts';
import { lineOf, readWorkersFile } from '../router/control/sources/workers-file.ts';
import { workersFileMode } from '../router/part-settings.ts';
import type { Dialect } from '../router/setting/setting.ts';
import { type Log, startLog } from '../router/telemetry/log.ts';
import { endOnBug } from './end-on-bug.ts';
import { hideKeys } from './hide-keys.ts';
import { Launcher, type Listening } from './launcher.ts';
import { loadAgain } from './load-again.ts';
import { EXIT_USAGE, startFailure } from './start-failure.ts';
import { VERSION } from './version.ts';

/** Nobody is left who could read it. */
const EXIT_LAUNCHER_GONE = 1;

/** Runs until a signal comes or the launcher is gone. `dialect`: whose defaults apply. Resolves with the exit status. */
export async function runRouter(dialect: Dialect): Promise<number> {
  const launcher = Launcher.fromEnvironment(process.env);
  tuneForRelaying();
  const input = { argv: process.argv.slice(2), env: process.env, dialect };
  const loaded = loadConfig({ ...input, readFile: (path) => readFileSync(path, 'utf8') });
  if (loaded.kind === 'help') process.stdout.write(loaded.text);
  else if (loaded.kind === 'version') process.stdout.write(`sglang-router ${VERSION}\n`);
  else if (loaded.kind === 'check') return check(loaded);
  if (loaded.kind === 'errors') {
    process.stderr.write(formatProblems(loaded.problems));
    return EXIT_USAGE;
  }
  if (loaded.kind !== 'config') return 0;

  const { config, sources, file } = loaded;
  const exposed = hideKeys(process.argv.slice(2), config, sources);
  const warnings = exposed === null ? loaded.warnings : [...loaded.warnings, exposed];
  const log = startLog({ level: config.logLevel, format: config.logFormat, directory: config.logDir }, realClock);
  const { logger } = log;
  endOnBug(logger, () => log.flushSync());
  if (launcher.nodeReason !== null) logger.debug({ node: process.execPath, reason: launcher.nodeReason }, 'node chosen');
  for (const warning of warnings) logger.warn({ warning }, 'configuration');
  launcher.onGone(() => {
    logger.warn({}, 'the program that started the router is gone, the router ends');
    log.flushSync();
    process.exit(EXIT_LAUNCHER_GONE);
  });

  try {
    let running: RunningRouter | null = null;
    let isHurried = false;
    // Before the router starts, and before anybody hears that it listens: whoever waits for it may send a signal at any time.
    const stop = firstSignal(logger, config, () => {
      isHurried = true;
      running?.hurry();
    });
    // Elsewhere SIGHUP ends the program, as it always has.
    const hangUps = file !== null || config.workersFile !== null ? new HangUps() : null;
    const settings = file === null ? {} : { settings: { file, load: () => loadAgain(input), applied: useLogLevel(log) } };
    const router = await startRouter(
      config,
      { clock: realClock, rng: createRng(config.seed ?? undefined), logger, droppedLogLines: log.droppedLines, ...settings },
      sources.prometheusPort !== 'default' || sources.prometheusHost !== 'default',
    );
    running = router;
    if (isHurried) router.hurry();
    const { host, port } = router.address;
    logger.info(
      { version: VERSION, host, port, ...whatItRoutes(config), metrics: router.metricsAddress, probes: router.probeAddress },
      'router listens',
    );
    hangUps?.listen(() => void router.reload('SIGHUP'));
    launcher.tell({ host, port, metrics: router.metricsAddress } satisfies Listening);
    await stop;
    const connectionsCut = await router.stop();
    logger.info({ connections_cut: connectionsCut }, 'router stopped');
    await log.stop();
    return 0;
  } catch (error) {
    const failure = startFailure(error, config.host, config.port);
    logger.error(failure.isExpected ? { reason: failure.text } : { err: error }, 'router cannot start');
    await log.stop();
    process.stderr.write(`error: ${failure.text}\n`);
    return failure.exitCode;
  }
}

/** A reload may change the level of the log. */
function useLogLevel(log: Log): (config: Config) => void {
  return ({ logLevel }) => log.setLevel(logLevel);
}

/** --check-config: also reads what a start reads besides the settings. */
async function check({ config, warnings, text }: Extract<LoadedConfig, { kind: 'check' }>): Promise<number> {
  const { workersFile } = config;
  const read = workersFile === null ? null : await readWorkersFile(workersFile, workersFileMode(config));
  if (read !== null && !read.ok && !read.isMissing) {
    process.stderr.write(formatProblems(read.problems));
    return EXIT_USAGE;
  }
  const missing = read === null || read.ok ? [] : read.problems.map(lineOf);
  for (const warning of [...warnings, ...missing]) process.stderr.write(`warning: ${warning}\n`);
  process.stdout.write(text);
  return 0;
}

/** The mode, the policies in force and the workers named at the start, for the log. */
function whatItRoutes({ pdDisaggregation, miniLb, policy, prefillPolicy, decodePolicy, workerUrls, prefill, decode }: Config): object {
  if (!pdDisaggregation) return { policy, workers: workerUrls.map(({ url }) => url) };
  return {
    prefill_policy: miniLb ? 'random' : (prefillPolicy ?? policy),
    decode_policy: miniLb ? 'random' : (decodePolicy ?? policy),
    prefill: prefill.map(({ address, bootstrapPort }) => `${address.url} ${bootstrapPort ?? 'none'}`),
    decode: decode.map(({ url }) => url),
  };
}

/** Resolves with the first signal; every later one calls `hurry`. */
function firstSignal(logger: Logger, config: Config, hurry: () => void): Promise<void> {
  const seconds = { settle_seconds: config.shutdownSettleSecs, grace_seconds: config.shutdownGracePeriodSecs };
  return new Promise((resolve) => {
    watchSignals((signal, count) => {
      if (count > 1) {
        hurry();
        return;
      }
      logger.info({ signal, ...seconds }, 'router stops when requests under way have ended; signal again to stop now');
      resolve();
    });
  });
}
