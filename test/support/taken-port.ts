/** Ports of 127.0.0.1 that are taken for as long as a test runs. */
import { once } from 'node:events';
import net from 'node:net';
import type { TestContext } from 'node:test';

const PATIENCE_MS = 5000;
const RETRY_MS = 20;

/**
 * Takes `port` (0: any free one) and returns it. If another test has it, waits until that one has let go, for it would let go
 * in the middle of this test; whoever keeps it longer will keep it.
 */
export async function takePort(t: TestContext, port: number = 0): Promise<number> {
  const startMs = performance.now();
  for (;;) {
    const server = net.createServer();
    server.listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
      t.after(() => server.close());
      return (server.address() as net.AddressInfo).port; // A TCP server's address has a port.
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      if (performance.now() - startMs > PATIENCE_MS) return port;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
