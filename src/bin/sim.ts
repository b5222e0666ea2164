#!/usr/bin/env node
/** sglang-sim: one simulated SGLang server as a program. */
import { MessageChannel } from 'node:worker_threads';
import { parseCommandLine } from '../sim/command-line.ts';
import { SIM_OPTIONS } from '../sim/options.ts';
import { startSim } from '../sim/start-sim.ts';

/** The clock's timers do not keep a process alive; this does, also while nothing listens. */
const hold = new MessageChannel();
hold.port1.on('message', () => {});

async function main(): Promise<number> {
  const parsed = parseCommandLine(process.argv.slice(2));
  if (parsed.kind === 'help') {
    process.stdout.write(parsed.text);
    return 0;
  }
  if (parsed.kind === 'bad') {
    process.stderr.write(`${parsed.problems.map((problem) => `sglang-sim: ${problem}`).join('\n')}\n`);
    return 2;
  }
  const { options, json } = parsed.command;
  let signals = 0;
  let onSignal = (signal: NodeJS.Signals): void => process.exit(signal === 'SIGINT' ? 0 : 143);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => onSignal(signal));
  const sim = await startSim({ port: SIM_OPTIONS.port.default, ...options });
  onSignal = (signal) => {
    if (++signals > 1) process.exit(signal === 'SIGINT' ? 130 : 143);
    void (signal === 'SIGTERM' ? sim.drain() : sim.stop());
  };
  void sim.ready.then(() => {
    const { servedModelName } = sim.options;
    const line = json
      ? JSON.stringify({ ready: sim.url, port: sim.port, model: servedModelName, pid: process.pid })
      : `sglang-sim ready ${sim.url} model=${servedModelName} pid=${process.pid}`;
    process.stdout.write(`${line}\n`);
  });
  // A dead engine ends as the real one does, killed by its own watchdog.
  if ((await sim.gone) === 'dead') process.kill(process.pid, 'SIGKILL');
  return 0;
}

main().then(
  (code) => {
    process.exitCode = code;
    hold.port1.close();
  },
  (error: unknown) => {
    process.stderr.write(`sglang-sim: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
    hold.port1.close();
  },
);
