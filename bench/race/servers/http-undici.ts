/** The usual stack: node:http in front, undici pools behind, round robin.   PORT, WORKERS=port,port */
import { createServer } from 'node:http';
import { Pool } from 'undici';

const pools = (process.env['WORKERS'] ?? '')
  .split(',')
  .map((port) => new Pool(`http://127.0.0.1:${port}`, { connections: 512, pipelining: 1, bodyTimeout: 0 }));
const DROPPED = new Set(
  'connection keep-alive transfer-encoding upgrade te trailer proxy-connection host content-length expect'.split(' '),
);
let turn = 0;

const server = createServer((request, response) => {
  const pieces: Buffer[] = [];
  request.on('data', (piece: Buffer) => pieces.push(piece));
  request.on('end', () => {
    const headers = request.rawHeaders.filter((_, i) => !DROPPED.has(request.rawHeaders[i - (i % 2)]!.toLowerCase()));
    let cancel: (() => void) | null = null;
    response.on('close', () => {
      if (!response.writableFinished) cancel?.();
    });
    pools[turn++ % pools.length]!.dispatch(
      {
        path: request.url ?? '/',
        method: request.method === 'GET' ? 'GET' : 'POST',
        headers,
        body: request.method === 'GET' ? null : pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces),
      },
      {
        onRequestStart(controller) {
          cancel = () => controller.abort(new Error('the client left'));
        },
        onResponseStart(controller, status) {
          const raw = (controller.rawHeaders ?? []) as Buffer[]; // pairs of name and value, as documented for HTTP/1.1
          const kept: string[] = [];
          for (let i = 0; i < raw.length; i += 2) {
            const name = raw[i]!.toString('latin1').toLowerCase();
            if (name === 'content-length' || !DROPPED.has(name)) kept.push(name, raw[i + 1]!.toString('latin1'));
          }
          response.writeHead(status, kept);
        },
        onResponseData(_controller, piece) {
          response.write(piece);
        },
        onResponseEnd() {
          response.end();
        },
        onResponseError() {
          if (response.headersSent) response.destroy();
          else response.writeHead(502).end('bad gateway');
        },
      },
    );
  });
});
server.keepAliveTimeout = 60_000;
server.listen(Number(process.env['PORT']), '127.0.0.1');
