/** Finds out before a launch which of its ports are taken, and by whom. */
import { createServer } from 'node:net';
import type { PlannedProcess } from '../plan/plan.ts';
import { LaunchError, type PortClash } from './launcher.ts';
import { commandOf, findListener } from './proc.ts';

const CONCURRENT_PROBES = 64;

/** What is asked about: a process of a plan, or what another node was told of one. */
type Listener = Pick<PlannedProcess, 'id' | 'node' | 'ports'>;

type TakenPort<P> = Omit<PortClash, 'process'> & { readonly process: P; readonly pid: number | null };

interface Wanted<P> {
  readonly process: P;
  readonly purpose: string;
  readonly address: string;
  readonly port: number;
}

/** `addressOf`: address of a node of the plan. Rejects with a LaunchError for an address or port that cannot be used at all. */
export async function findTakenPorts<P extends Listener>(
  processes: readonly P[],
  addressOf: (node: string) => string,
): Promise<TakenPort<P>[]> {
  const wanted = processes.flatMap((process) =>
    Object.entries(process.ports).map(([purpose, port]): Wanted<P> => ({ process, purpose, address: addressOf(process.node), port })),
  );
  const clashes: TakenPort<P>[] = [];
  for (let at = 0; at < wanted.length; at += CONCURRENT_PROBES) {
    const batch = wanted.slice(at, at + CONCURRENT_PROBES);
    const taken = await Promise.all(batch.map(isTaken));
    for (const one of batch.filter((_, index) => taken[index])) {
      const pid = await findListener(one.address, one.port);
      clashes.push({ ...one, pid, owner: pid === null ? null : `pid ${pid} (${(await commandOf(pid)) ?? 'command unknown'})` });
    }
  }
  return clashes;
}

function isTaken({ process, purpose, address, port }: Wanted<Listener>): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    const fail = (what: string): void => reject(new LaunchError(`${process.id}: ${purpose} port ${port} on ${address}: ${what}`));
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(true);
      else if (error.code === 'EACCES') fail('this user may not listen there; choose a port from 1024 up');
      else if (error.code === 'EADDRNOTAVAIL')
        fail(`this machine has no such address; add it to the loopback interface (macOS: sudo ifconfig lo0 alias ${address})`);
      else fail(`cannot be used (${error.code ?? error.message})`);
    });
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve(false)));
  });
}
