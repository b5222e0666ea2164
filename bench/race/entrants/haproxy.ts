/** HAProxy with one thread. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, freePort } from '../processes.ts';
import type { Entrant } from './entrant.ts';

/** `http-no-delay`: without it events are held back for up to 200 ms and sent several at once, which is cheap and useless. */
function configuration(port: number, workerPorts: readonly number[]): string {
  return `
global
  maxconn 8192
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  http-reuse always
  option http-no-delay
frontend clients
  bind 127.0.0.1:${port}
  default_backend workers
backend workers
  balance roundrobin
${workerPorts.map((worker, i) => `  server worker${i} 127.0.0.1:${worker}`).join('\n')}
`;
}

export const haproxy: Entrant = {
  name: 'haproxy',
  kind: 'plain',
  findProblem: () => (findProgram('haproxy') ? null : 'haproxy is not installed (apt-get install haproxy)'),
  async start({ programs, workerPorts }) {
    const port = await freePort();
    const file = join(programs.dir, 'haproxy.cfg');
    writeFileSync(file, configuration(port, workerPorts));
    return { port, program: programs.start('haproxy', findProgram('haproxy') ?? 'haproxy', ['-db', '-f', file], { port }) };
  },
};
