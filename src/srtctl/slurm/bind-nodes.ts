/** Which nodes a job has, and what is needed of each before anything runs there: one step, asked once. */

import { LaunchError, type NodeBinding, type PortClash } from '../launch/launcher.ts';
import type { Plan } from '../plan/plan.ts';
import { type FactsQuestion, type NodeFacts, readFacts } from './node-facts.ts';
import type { SlurmCommands } from './slurm-commands.ts';

/** Starting Node on nodes whose file system is cold takes its time. */
const FACTS_MS = 120_000;

export interface FactsStep {
  readonly job: string;
  /** Command line that answers a question (see `node-facts` of the command line), without the question. */
  readonly program: readonly string[];
  readonly networkInterface: string | null;
  /** Nodes that are not used, as SLURM writes lists of them; null: all are. */
  readonly excluded: string | null;
}

export interface BoundNodes {
  /** In the order of the plan. */
  readonly nodes: readonly NodeBinding[];
  readonly clashes: readonly PortClash[];
}

/** Rejects with a LaunchError. */
export async function bindNodes(plan: Plan, step: FactsStep, commands: SlurmCommands): Promise<BoundNodes> {
  const names = await nodeNames(step, plan.nodes.length, commands);
  const addresses = await nodeAddresses(names, commands);
  const question: FactsQuestion = {
    networkInterface: step.networkInterface,
    nodes: Object.fromEntries(
      names.map((name, index) => {
        const processes = plan.processes.filter(({ node }) => node === plan.nodes[index]).map(({ id, ports }) => ({ id, ports }));
        return [name, { address: addresses.get(name) ?? name, processes }];
      }),
    ),
  };
  const facts = await askNodes(names, question, step, commands);
  const nodes = plan.nodes.map((node, index): NodeBinding => {
    const name = names[index]!;
    const { address } = facts.get(name)!;
    return { node, name, address: address! };
  });
  const clashes = nodes.flatMap(({ name, address }) =>
    facts.get(name)!.taken.map(({ process: id, purpose, port, owner }): PortClash => {
      const process = plan.processes.find((one) => one.id === id)!;
      return { process, purpose, address, port, owner: owner === null ? null : `${owner} on ${name}` };
    }),
  );
  return { nodes, clashes };
}

async function nodeNames({ job, excluded }: FactsStep, wanted: number, commands: SlurmCommands): Promise<readonly string[]> {
  const asked = await commands.run(['squeue', '-h', '-j', job, '-o', '%T|%N']);
  const [state = '', list = ''] = asked.stdout.trim().split('|');
  if (asked.code !== 0 || list === '')
    throw new LaunchError(`job ${job} has no nodes (${state || asked.stderr || 'SLURM does not list it'})`);
  const all = await hostNames(list, commands);
  const left = excluded === null ? [] : await hostNames(excluded, commands);
  const names = all.filter((name) => !left.includes(name));
  if (names.length < wanted)
    throw new LaunchError(
      `the plan has ${wanted} nodes, and job ${job} has ${names.length}: ${names.join(', ')}${left.length === 0 ? '' : ` without ${left.join(', ')}`}`,
    );
  return names.slice(0, wanted);
}

async function hostNames(list: string, commands: SlurmCommands): Promise<readonly string[]> {
  const { code, stdout, stderr } = await commands.run(['scontrol', 'show', 'hostnames', list]);
  if (code !== 0) throw new LaunchError(`scontrol show hostnames ${list}: ${stderr}`);
  return stdout.split('\n').filter((name) => name !== '');
}

/** NodeAddr by name. What cannot be read is left out. */
async function nodeAddresses(names: readonly string[], commands: SlurmCommands): Promise<ReadonlyMap<string, string>> {
  const { stdout } = await commands.run(['scontrol', '-o', 'show', 'node', names.join(',')]);
  const found = stdout.split('\n').flatMap((line): [string, string][] => {
    const [, name] = /(?:^|\s)NodeName=(\S+)/.exec(line) ?? [];
    const [, address] = /\sNodeAddr=(\S+)/.exec(line) ?? [];
    return name === undefined || address === undefined ? [] : [[name, address]];
  });
  return new Map(found);
}

/** srun with the options of one step over all of `names`; its program follows. */
export function everyNode(job: string, names: readonly string[], step: string): string[] {
  const count = names.length;
  return [
    ...['srun', `--jobid=${job}`, '--overlap', `--nodes=${count}`, `--ntasks=${count}`, '--ntasks-per-node=1'],
    ...[`--nodelist=${names.join(',')}`, '--input=none', '--export=ALL', `--job-name=${step}`],
  ];
}

async function askNodes(
  names: readonly string[],
  question: FactsQuestion,
  { job, program }: FactsStep,
  commands: SlurmCommands,
): Promise<ReadonlyMap<string, NodeFacts>> {
  const { code, stdout, stderr } = await commands.run(
    [...everyNode(job, names, 'srtctl-facts'), ...program, JSON.stringify(question)],
    FACTS_MS,
  );
  const facts = readFacts(stdout);
  const silent = names.filter((name) => !facts.has(name));
  if (silent.length > 0)
    throw new LaunchError(
      `no answer from ${silent.join(', ')} (srun ${code === null ? 'did not end' : `ended with status ${code}`}): ${stderr.split('\n').slice(-3).join('; ')}. ` +
        `It runs ${program[0]} there: the same path must be usable on every node (node_path in the cluster file), and so must srtctl itself`,
    );
  const problems = names.flatMap((name) => (facts.get(name)?.problem == null ? [] : [`${name}: ${facts.get(name)?.problem}`]));
  if (problems.length > 0) throw new LaunchError(problems.join('; '));
  return facts;
}
