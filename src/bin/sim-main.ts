/** sglang-sim: one simulated SGLang server as a program. */
import { MessageChannel } from 'node:worker_threads';
import { realClock } from '../base/runtime/clock.ts';
import { SIM_OPTIONS } from '../sim/engine/options.ts';
import { parseCommandLine, type SimCommand } from '../sim/program/command-line.ts';
import { startFollower } from '../sim/program/start-follower.ts';
import { startSim } from '../sim/program/start-sim.ts';

/** Keeps the process alive while nothing listens; the timers of the clock do not. */
const hold = new MessageChannel();
hold.port1.on('message', () => {});

async function main(): Promise<number> {
  const parsed = parseCommandLine(process.argv.slice(2), process.env);
  if (parsed.kind === 'help') {
    process.stdout.write(parsed.text);
    return 0;
  }
  if (parsed.kind === 'version') {
    const { VERSION } = await import('./version.ts');
    process.stdout.write(`sglang-sim ${VERSION}\n`);
    return 0;
  }
  if (parsed.kind === 'bad') {
    process.stderr.write(`${parsed.problems.map((problem) => `sglang-sim: ${problem}`).join('\n')}\n`);
    return 2;
  }
  const { command } = parsed;
  if (command.ignored.length > 0) process.stderr.write(`sglang-sim: without effect here: ${command.ignored.join(', ')}\n`);
  return (command.options.nodeRank ?? 0) > 0 ? follow(command) : serve(command);
}

/** Calls `end` at the first signal; the second one ends the program. */
function handleSignals(end: (signal: NodeJS.Signals) => void): void {
  let signals = 0;
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (++signals > 1) process.exit(signal === 'SIGINT' ? 130 : 143);
      end(signal);
    });
}

async function serve({ options, json }: SimCommand): Promise<number> {
  let onSignal = (signal: NodeJS.Signals): void => process.exit(signal === 'SIGINT' ? 0 : 143);
  handleSignals((signal) => onSignal(signal));
  const sim = await startSim({ port: SIM_OPTIONS.port.default, ...options }, realClock, undefined, logOf(options));
  onSignal = (signal) => void (signal === 'SIGTERM' ? sim.drain() : sim.stop());
  void sim.ready.then(() => {
    const { servedModelName } = sim.options;
    const bootstrap = sim.bootstrapPort === null ? '' : ` bootstrap=${sim.bootstrapPort}`;
    const line = json
      ? JSON.stringify({
          ready: sim.url,
          port: sim.port,
          ...(sim.bootstrapPort === null ? {} : { bootstrap: sim.bootstrapPort }),
          model: servedModelName,
          pid: process.pid,
        })
      : `sglang-sim ready ${sim.url}${bootstrap} model=${servedModelName} pid=${process.pid}`;
    process.stdout.write(`${line}\n`);
  });
  // A dead engine ends as the real one does, killed by its own watchdog.
  if ((await sim.gone) === 'dead') process.kill(process.pid, 'SIGKILL');
  return 0;
}

/** Runs a node other than the first. */
async function follow({ options, json }: SimCommand): Promise<number> {
  const node = startFollower(options, realClock, logOf(options));
  handleSignals(() => node.stop());
  const { nodeRank, distInitAddr } = node.options;
  const ready = node.ready.then(() => {
    const line = json
      ? JSON.stringify({ ready: null, rank: nodeRank, first: distInitAddr, pid: process.pid })
      : `sglang-sim ready rank=${nodeRank} first=${distInitAddr} pid=${process.pid}`;
    process.stdout.write(`${line}\n`);
  });
  await Promise.race([node.gone, ready]);
  if ((await node.gone) === 'ended') return 0;
  process.stderr.write(`sglang-sim: the first node at ${distInitAddr} is gone\n`);
  return 1;
}

function logOf({ logLevel = SIM_OPTIONS.logLevel.default }: SimCommand['options']): (line: string) => void {
  const isShown = logLevel === 'info' || logLevel === 'debug';
  return (line) => {
    if (isShown) process.stderr.write(`${line}\n`);
  };
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
