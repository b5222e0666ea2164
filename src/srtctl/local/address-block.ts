/**
 * Loopback addresses for the nodes of a local run: n0 is 127.0.B.10, n1 127.0.B.11 and so on, 240 nodes to a block, and a run that needs
 * more takes the next blocks. A block is held by listening on 127.0.B.9: the kernel frees it when the holder dies, whoever that is.
 */
import { createServer, type Server } from 'node:net';
import { LaunchError } from '../launch/launcher.ts';

/** Outside of every port that a recipe uses by default, and below the ephemeral ones. */
const LOCK_PORT = 29_999;
const LOCK_HOST = 9;
const FIRST_HOST = 10;
const NODES_PER_BLOCK = 240;
const BLOCKS = 256;

export class AddressBlock {
  readonly addresses: readonly string[];
  readonly #locks: readonly Server[];

  /** Takes the first free blocks from `first` on; null: none is left. Rejects with a LaunchError where there are no such addresses. */
  static async take(nodes: number, first: number): Promise<{ readonly block: AddressBlock; readonly number: number } | null> {
    const blocks = Math.ceil(nodes / NODES_PER_BLOCK);
    for (let start = first; start + blocks <= BLOCKS; start++) {
      const locks: Server[] = [];
      for (let block = start; block < start + blocks; block++) {
        const lock = await hold(block);
        if (lock === null) break;
        locks.push(lock);
      }
      if (locks.length === blocks) return { block: new AddressBlock(nodes, start, locks), number: start };
      await Promise.all(locks.map(free));
    }
    return null;
  }

  private constructor(nodes: number, start: number, locks: readonly Server[]) {
    this.#locks = locks;
    this.addresses = Array.from({ length: nodes }, (_, node) => {
      const block = start + Math.floor(node / NODES_PER_BLOCK);
      return `127.0.${block}.${FIRST_HOST + (node % NODES_PER_BLOCK)}`;
    });
  }

  async release(): Promise<void> {
    await Promise.all(this.#locks.map(free));
  }
}

function hold(block: number): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const host = `127.0.${block}.${LOCK_HOST}`;
    const server = createServer((socket) => socket.destroy());
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else if (error.code === 'EADDRNOTAVAIL')
        reject(
          new LaunchError(
            `this machine has no address ${host}; add 127.0.0.9 to 127.0.0.20 to the loopback interface (macOS: sudo ifconfig lo0 alias ADDRESS)`,
          ),
        );
      else reject(new LaunchError(`cannot hold the address block 127.0.${block}.*: ${error.message}`, { cause: error }));
    });
    server.listen({ host, port: LOCK_PORT, exclusive: true }, () => resolve(server));
  });
}

function free(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
