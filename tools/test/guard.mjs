// Cleans up after a run of tests, also when the runner was killed. Runs in a separate session, waits until the runner closes stdin or dies,
// then ends all processes with the mark and removes the folder of temporary files. Arguments: mark, folder.
import { rmSync } from 'node:fs';
import { endAll } from './processes.mjs';

const [mark, folder] = process.argv.slice(2);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
process.stdin.resume();
process.stdin.on('end', async () => {
  await endAll(mark, null);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});
