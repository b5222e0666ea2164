/** nginx, the yardstick: one worker process, connections to workers kept alive, nothing buffered on the way back. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, freePort } from '../processes.ts';
import type { Entrant } from './entrant.ts';

function configuration(port: number, workerPorts: readonly number[], dir: string): string {
  return `
worker_processes 1;
daemon off;
pid ${dir}/nginx.pid;
error_log stderr crit;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_buffer_size 1m;
  client_max_body_size 64m;
  keepalive_requests 100000000;
  keepalive_timeout 300s;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${dir}/${name};`).join('\n  ')}
  upstream workers {
    ${workerPorts.map((worker) => `server 127.0.0.1:${worker};`).join('\n    ')}
    keepalive 512;
    keepalive_requests 100000000;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://workers;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 300s;
    }
  }
}
`;
}

function nginx(name: string): Entrant {
  return {
    name,
    kind: 'plain',
    findProblem: () => (findProgram('nginx') ? null : 'nginx is not installed (apt-get install nginx-light)'),
    async start({ programs, workerPorts }) {
      const port = await freePort();
      const dir = join(programs.dir, name);
      const file = join(dir, 'nginx.conf');
      mkdirSync(dir, { recursive: true });
      writeFileSync(file, configuration(port, workerPorts, dir));
      const program = programs.start(name, findProgram('nginx') ?? 'nginx', ['-e', 'stderr', '-p', dir, '-c', file], { port });
      return { port, program };
    },
  };
}

/** Both run in every race against other proxies. Ratios are to the mean of the two; their difference is the error of the ratios. */
export const YARDSTICKS: readonly Entrant[] = [nginx('nginx'), nginx('nginx-again')];
