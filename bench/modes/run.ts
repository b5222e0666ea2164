/** `npm run bench:modes`: router mode and Dynamo mode on the same simulated fleet, in turns. Exit 1 if a fleet failed, 2 for bad options. */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { findDynamo } from '../../tools/dynamo/environment.ts';
import { median } from '../race/statistics.ts';
import { sendAll } from './clients.ts';
import { ofWorker, throughEntrance } from './first-token.ts';
import { endAll, Fleet } from './fleet.ts';
import { type Mode, recipeOf, type Shape } from './fleets.ts';
import { HELP, type ModesOptions, parseOptions } from './options.ts';
import { sharedMib, usedMs } from './process-cost.ts';
import { comparisonTable, failureLines, type Measured } from './report.ts';
import { killWorker } from './worker-death.ts';

const ANSWER_TOKENS = 32;
const CONCURRENCY = 4;
const TURNS = 4;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

function readOptions(): ModesOptions {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${HELP}`);
    process.exit(2);
  }
}

type Env = Readonly<Record<string, string>>;

interface Side {
  readonly mode: Mode;
  readonly fleet: Fleet;
  readonly first: number[];
  readonly workerFirst: number[];
}

/** Instant fleets of both modes at the same time, then paced ones that lose a worker, one after the other. */
async function measure(round: number, shape: Shape, modes: readonly Mode[], options: ModesOptions, env: Env): Promise<readonly Measured[]> {
  const { requests, quietMs, migrationLimit } = options;
  const sides: Side[] = [];
  for (const mode of modes)
    sides.push({ mode, fleet: await Fleet.start(recipeOf(mode, shape, 'instant', migrationLimit), env), first: [], workerFirst: [] });
  // Once before it counts: connections are there, code is warm.
  for (const { fleet } of sides) await sendAll(fleet.endpoint, requests, CONCURRENCY, ANSWER_TOKENS);
  // In turns, since what else the machine does changes by the second.
  const each = Math.ceil(requests / TURNS);
  for (let turn = 0; turn < TURNS; turn++)
    for (const { mode, fleet, first, workerFirst } of sides) {
      first.push(...(await throughEntrance(fleet.endpoint, each)));
      if (shape === 'aggregated') workerFirst.push(...(await ofWorker(fleet, mode, each)));
    }
  const measured: Measured[] = [];
  for (const { mode, fleet, first, workerFirst } of sides) {
    const { all, entrance } = fleet.pids();
    const usedBeforeMs = usedMs(entrance);
    await sendAll(fleet.endpoint, 4 * requests, CONCURRENCY, ANSWER_TOKENS);
    const cpuMs = (usedMs(entrance) - usedBeforeMs) / (4 * requests);
    const memory = { memoryMib: sharedMib(all), entranceMemoryMib: sharedMib(entrance) };
    const teardownMs = await fleet.end();

    const doomed = await Fleet.start(recipeOf(mode, shape, 'paced', migrationLimit), env);
    const death = await killWorker(doomed, quietMs ?? undefined);
    await doomed.end();
    measured.push({
      ...{ round, shape, mode, readyMs: [fleet.readyMs, doomed.readyMs], startCpuMs: [fleet.startCpuMs, doomed.startCpuMs] },
      ...{ processes: all.length, entranceProcesses: entrance.length, ...memory },
      ...{ firstMs: median(first), workerFirstMs: workerFirst.length === 0 ? null : median(workerFirst), cpuMs, teardownMs, death },
    });
  }
  return measured;
}

async function compare(options: ModesOptions, env: Env): Promise<readonly Measured[]> {
  const measured: Measured[] = [];
  for (let round = 1; round <= options.rounds; round++)
    for (const shape of options.shapes) {
      // Each is first in every other round.
      const modes = round % 2 === 1 ? options.modes : options.modes.toReversed();
      const both = await measure(round, shape, modes, options, env);
      measured.push(...both);
      for (const { mode, readyMs, firstMs, death, teardownMs } of both)
        say(
          `${round} ${shape} ${mode}: ready ${seconds(...readyMs)}, first token ${firstMs.toFixed(1)} ms, ` +
            `${death.failed} of ${death.requests} requests failed until ${death.lastFailureS.toFixed(1)} s after a death, teardown ${seconds(teardownMs)}`,
        );
    }
  return measured;
}

function seconds(...times: readonly number[]): string {
  return times.map((ms) => `${(ms / 1000).toFixed(1)} s`).join(' and ');
}

const options = readOptions();
if (options.wantsHelp) {
  say(HELP);
  process.exit(0);
}
const dynamo = await findDynamo();
if (typeof dynamo === 'string') {
  process.stderr.write(`Dynamo mode cannot run here: ${dynamo}\n`);
  process.exit(1);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void endAll().then(() => process.exit(130)));
try {
  const measured = await compare(options, dynamo.env);
  say(`\n${options.rounds} rounds, ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.version}\n`);
  say(comparisonTable(measured));
  say(`\nWhat clients were told when a worker died, all rounds together:\n${failureLines(measured).join('\n') || 'nothing'}`);
  if (options.jsonFile !== null) writeFileSync(options.jsonFile, `${JSON.stringify(measured, null, 1)}\n`);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
} finally {
  await endAll();
}
