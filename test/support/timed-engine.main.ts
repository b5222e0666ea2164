/** An engine whose times are known to a fraction of a millisecond: argv is [ttft ms, ms between tokens]. Says its URL. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const [ttftMs = 0, itlMs = 0] = process.argv.slice(2).map(Number);

/** Timers are up to 1 ms late: the last of it is spent in turns of the loop. */
function at(timeMs: number, then: () => void): void {
  const left = timeMs - performance.now();
  if (left <= 0) then();
  else if (left > 3) setTimeout(() => at(timeMs, then), left - 2);
  else setImmediate(() => at(timeMs, then));
}

const server = createServer((request, response) => {
  const startMs = performance.now();
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk));
  request.on('end', () => {
    if (request.method === 'GET') {
      response.writeHead(404).end();
      return;
    }
    const { max_tokens: tokens } = JSON.parse(body) as { max_tokens: number };
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const token = (index: number): void => {
      response.write(`data: {"choices":[{"index":0,"text":"a","finish_reason":${index === tokens - 1 ? '"length"' : 'null'}}]}\n\n`);
      if (index === tokens - 1)
        response.end(`data: {"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":${tokens}}}\n\ndata: [DONE]\n\n`);
      else at(startMs + ttftMs + (index + 1) * itlMs, () => token(index + 1));
    };
    at(startMs + ttftMs, () => token(0));
  });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`ready http://127.0.0.1:${(server.address() as AddressInfo).port}\n`));
