/** srtctl: from recipes to running fleets. */
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { MessageChannel } from 'node:worker_threads';
import { realClock } from '../base/runtime/clock.ts';
import { watchSignals, watchUserSignal } from '../base/runtime/signals.ts';
import type { CommandContext } from '../srtctl/commands/command-context.ts';
import { runSrtctl } from '../srtctl/commands/srtctl.ts';
import { VERSION } from './version.ts';

/** A bug: what sysexits.h calls EX_SOFTWARE. */
const EXIT_BUG = 70;

/** The clock's timers do not keep a process alive; this does, also while nothing is connected. */
const hold = new MessageChannel();
hold.port1.on('message', () => {});

const context: CommandContext = {
  clock: realClock,
  env: process.env,
  workingDirectory: process.cwd(),
  packageDirectory: fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, ''),
  nodeBinary: process.execPath,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  // A terminal of no size (a container's, a recorder's) can show no block of lines.
  screen: process.stdout.isTTY === true && process.stdout.columns > 0 && process.env['TERM'] !== 'dumb' ? process.stdout : null,
  readInput: async () => {
    const pieces: Buffer[] = [];
    for await (const piece of process.stdin) pieces.push(piece as Buffer);
    return Buffer.concat(pieces).toString('utf8');
  },
  onSignal: (listener) => watchSignals(listener, { hangUp: true }),
  onUserSignal: watchUserSignal,
  ask: async (question) => {
    if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return null;
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    const closed = new Promise<null>((resolve) => lines.once('close', () => resolve(null)));
    const answer = await Promise.race([lines.question(question), closed]);
    lines.close();
    return answer;
  },
};

// Whoever reads our output may leave (`srtctl logs | head`): that is no failure.
// Nor is a terminal that was closed: its run is being cancelled.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });

runSrtctl(process.argv.slice(2), VERSION, context).then(
  (code) => {
    process.exitCode = code;
    hold.port1.close();
  },
  (error: unknown) => {
    process.stderr.write(`srtctl: bug: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = EXIT_BUG;
    hold.port1.close();
  },
);
