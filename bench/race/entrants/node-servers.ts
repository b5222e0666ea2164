/** Small Node proxies: the floor that raw sockets set, the usual library stack, and spoiled ones to check the race with. */
import { fileURLToPath } from 'node:url';
import { freePort } from '../processes.ts';
import type { Entrant } from './entrant.ts';

/** A compiled file of ../servers. With `env` it only checks the race. */
export function nodeServer(name: string, file: string, env: Readonly<Record<string, string>> = {}): Entrant {
  return {
    name,
    kind: 'plain',
    isCheck: Object.keys(env).length > 0,
    findProblem: () => null,
    async start({ programs, workerPorts }) {
      const port = await freePort();
      const program = programs.start(name, process.execPath, [fileURLToPath(new URL(`../servers/${file}`, import.meta.url))], {
        port,
        env: { ...env, PORT: String(port), WORKERS: workerPorts.join(',') },
      });
      return { port, program };
    },
  };
}

export const SLOW_US = 100;

export const nodeServers: readonly Entrant[] = [
  nodeServer('raw-sockets', 'raw-sockets.js'),
  nodeServer('http-undici', 'http-undici.js'),
  nodeServer('check-slow', 'raw-sockets.js', { SLOW_US: String(SLOW_US) }),
  nodeServer('check-broken', 'raw-sockets.js', { SPOIL_EVERY: '1000' }),
];
