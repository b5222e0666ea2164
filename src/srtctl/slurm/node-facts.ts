/** What a node of an allocation says about itself, asked in one step over all of them: its address, and which of its ports are taken. */
import { lookup } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { findTakenPorts } from '../launch/taken-ports.ts';
import type { PlannedProcess } from '../plan/plan.ts';

/** For all nodes; each finds its own part by its name. */
export interface FactsQuestion {
  /** Whose address counts; null: the one that SLURM knows the node by. */
  readonly networkInterface: string | null;
  readonly nodes: Readonly<Record<string, NodeQuestion>>;
}

interface NodeQuestion {
  /** NodeAddr of SLURM: an address or a name. */
  readonly address: string;
  readonly processes: readonly Pick<PlannedProcess, 'id' | 'ports'>[];
}

export interface NodeFacts {
  /** SLURM's name of the node. */
  readonly node: string;
  /** Null: none was found, see `problem`. */
  readonly address: string | null;
  readonly problem: string | null;
  readonly taken: readonly { readonly process: string; readonly purpose: string; readonly port: number; readonly owner: string | null }[];
}

/** Facts stand on lines of their own that begin so; whatever else a node prints (a login message) is not one. */
const FACTS_MARK = 'srtctl-facts ';

export async function gatherFacts(question: FactsQuestion, node: string): Promise<NodeFacts> {
  const own = question.nodes[node];
  if (own === undefined) return { node, address: null, problem: `node ${node} is not one of those asked`, taken: [] };
  const found = await findAddress(own.address, question.networkInterface, Object.keys(question.nodes).length === 1);
  if (!found.ok) return { node, address: null, problem: found.problem, taken: [] };
  const { address } = found;
  try {
    const clashes = await findTakenPorts(
      own.processes.map((process) => ({ ...process, node })),
      () => address,
    );
    const taken = clashes.map(({ process, purpose, port, owner }) => ({ process: process.id, purpose, port, owner }));
    return { node, address, problem: null, taken };
  } catch (error) {
    return { node, address, problem: (error as Error).message, taken: [] };
  }
}

type FoundAddress = { readonly ok: true; readonly address: string } | { readonly ok: false; readonly problem: string };

async function findAddress(known: string, networkInterface: string | null, isAlone: boolean): Promise<FoundAddress> {
  const all = networkInterfaces();
  if (networkInterface !== null) {
    const usable = (all[networkInterface] ?? []).map(({ address }) => address).filter((address) => !/^(?:169\.254\.|fe80:)/i.test(address));
    const address = usable.find((one) => !isIPv6(one)) ?? usable[0];
    if (address !== undefined) return { ok: true, address };
    return {
      ok: false,
      problem: `network_interface ${networkInterface} has no address here; the interfaces are ${Object.keys(all).join(', ')}`,
    };
  }
  if (isIP(known) !== 0) return { ok: true, address: known };
  // Debian writes a host's own name as 127.0.1.1 into its /etc/hosts: true, and of no use to others.
  const resolved = (await lookup(known, { all: true }).catch(() => [])).map(({ address }) => address);
  const address = resolved.find((one) => !/^(?:127\.|::1$)/.test(one)) ?? firstOutside(all) ?? (isAlone ? '127.0.0.1' : undefined);
  if (address !== undefined) return { ok: true, address };
  return { ok: false, problem: `${known} has no address that other nodes could use; name network_interface in the cluster file` };
}

function firstOutside(all: ReturnType<typeof networkInterfaces>): string | undefined {
  return Object.values(all)
    .flatMap((one) => one ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')?.address;
}

export function factsLine(facts: NodeFacts): string {
  return `${FACTS_MARK}${JSON.stringify(facts)}`;
}

/** Facts by node, from the output of the step. Lines that are no facts are passed over. */
export function readFacts(output: string): ReadonlyMap<string, NodeFacts> {
  const facts = output.split('\n').flatMap((line) => {
    if (!line.startsWith(FACTS_MARK)) return [];
    try {
      return [JSON.parse(line.slice(FACTS_MARK.length)) as NodeFacts];
    } catch {
      return [];
    }
  });
  return new Map(facts.map((one) => [one.node, one]));
}
