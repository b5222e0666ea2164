/**
 * A program that stands for a worker, a router or nginx in tests of supervision. Its behaviour comes as one JSON argument (Part); it
 * answers /health, /v1/models, /workers and /v1/completions on host:port.
 */
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';

export interface Part {
  readonly host: string;
  readonly port: number;
  /** Said at once, and in front of an early end. */
  readonly says?: string;
  /** /health answers 503 for so long. */
  readonly loadsMs?: number;
  /** Ends at once with `status`. */
  readonly endsAtOnce?: boolean;
  /** With which it ends, also on SIGUSR2; 1 unless given. */
  readonly status?: number;
  readonly ignoresTerm?: boolean;
  /** Workers that it lists as healthy. */
  readonly lists?: readonly string[];
  /** silent: completions are never answered. */
  readonly completions?: 'ok' | 'silent' | 'error' | 'empty';
  /** Starts a child in its group, and one in a session of its own, both deaf to SIGTERM; their pids are said as `child N`, `stray N`. */
  readonly hasChildren?: boolean;
}

const part = JSON.parse(process.argv[2] ?? '') as Part;
const startMs = performance.now();
if (part.says !== undefined) process.stdout.write(`${part.says}\n`);
if (part.ignoresTerm === true) process.on('SIGTERM', () => process.stdout.write('SIGTERM heard and ignored\n'));
if (part.hasChildren === true) {
  // The child can be found by its group alone (as nginx, which writes over its environment), the stray by its environment alone.
  for (const [name, detached, env] of [
    ['child', false, { PATH: process.env['PATH'] }],
    ['stray', true, process.env],
  ] as const) {
    const child = spawn('sh', ['-c', "trap '' TERM; while :; do sleep 1; done"], { detached, env, stdio: 'ignore' });
    process.stdout.write(`${name} ${child.pid}\n`);
  }
}
const end = (): never => process.exit(part.status ?? 1);
if (part.endsAtOnce === true) end();
process.on('SIGUSR2', end);

createServer((request, response) => {
  const answer = (status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
  request.resume();
  switch (request.url) {
    case '/health':
      return answer(performance.now() - startMs < (part.loadsMs ?? 0) ? 503 : 200, {});
    case '/v1/models':
      return answer(200, { data: [{ id: 'm' }] });
    case '/workers':
      return answer(200, { workers: (part.lists ?? []).map((url) => ({ url, is_healthy: true })) });
    case '/v1/completions': {
      if (part.completions === 'silent') return;
      if (part.completions === 'error') return answer(500, { error: 'broken inside' });
      const text = part.completions === 'empty' ? '' : ' there was';
      return answer(200, { choices: [{ text }], usage: { completion_tokens: text.length } });
    }
    default:
      return answer(404, {});
  }
}).listen(part.port, part.host, () => process.stdout.write(`listening on ${part.host}:${part.port}\n`));
