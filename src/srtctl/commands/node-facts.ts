/** Not for people: what the supervisor of a SLURM job runs once on every node. */
import { Command } from 'commander';
import { type FactsQuestion, factsLine, gatherFacts } from '../slurm/node-facts.ts';
import { EXIT_CODES } from '../supervise/run-directory.ts';
import type { CommandContext } from './command-context.ts';

export function nodeFactsCommand(context: CommandContext, finish: (code: number) => void): Command {
  return new Command('node-facts')
    .description('tell the address and taken ports of this node (a step of every SLURM run)')
    .argument('<question>')
    .action(async (question: string) => {
      const node = context.env['SLURMD_NODENAME'] ?? '';
      context.out(`${factsLine(await gatherFacts(JSON.parse(question) as FactsQuestion, node))}\n`);
      finish(EXIT_CODES.ok);
    });
}
