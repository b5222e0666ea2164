/** The program `router`, also known as `sglang-router`, with the defaults of the first version, and its sub-command `simulate`. */
import { runRouter } from './run-router.ts';

async function main(): Promise<number> {
  if (process.argv[2] !== 'simulate') return runRouter('seed');
  const { runSimulate } = await import('./run-simulate.ts');
  return runSimulate(process.argv.slice(3));
}

process.exit(await main());
