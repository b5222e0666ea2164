/** Not for people: what the supervisor of a SLURM job runs on every node at the end of a run. */
import { Command } from 'commander';
import { sweepNode } from '../launch/node-sweep.ts';
import { EXIT_CODES } from '../supervise/run-directory.ts';
import type { Surroundings } from './surroundings.ts';

export function nodeSweepCommand(around: Surroundings, finish: (code: number) => void): Command {
  return new Command('node-sweep')
    .description('end what processes of a run left behind on this node (the last step of every SLURM run)')
    .argument('<mark>')
    .action(async (mark: string) => {
      for (const words of await sweepNode(mark)) around.out(`${words} on ${around.env['SLURMD_NODENAME'] ?? 'this node'}\n`);
      finish(EXIT_CODES.ok);
    });
}
