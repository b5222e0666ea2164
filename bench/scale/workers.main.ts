/**
 * Many simulated workers in one process, as cheap as they can be: one listening port each, no engine behind. The parent gets the ports.
 *
 *   GET  /ready            200
 *   GET  anything else     404
 *   POST with "stream":true   EVENTS events, one every GAP_MS, then [DONE]; all streams of the process are written by one timer
 *   POST anything else     200 with a small JSON object
 *
 *   WORKERS, EVENTS, GAP_MS
 */
import net from 'node:net';

const WORKERS = Number(process.env['WORKERS']);
const EVENTS = Number(process.env['EVENTS']);
const GAP_MS = Number(process.env['GAP_MS']);
/** Streams are spread over this many parts of the gap. */
const PHASES = 50;

const READY = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
const UNKNOWN = Buffer.from('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
const JSON_BODY = '{"text":"ok","meta_info":{"id":"1"}}';
const PLAIN = Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${JSON_BODY.length}\r\n\r\n${JSON_BODY}`);
const STREAM_HEAD = Buffer.from('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n');
/** Each event has one ~, by which clients count them. */
const EVENT = chunkOf('data: {"text":"~ token","meta_info":{"id":"1"}}\n\n');
const LAST = Buffer.concat([chunkOf('data: [DONE]\n\n'), Buffer.from('0\r\n\r\n')]);

function chunkOf(text: string): Buffer {
  return Buffer.from(`${text.length.toString(16)}\r\n${text}\r\n`);
}

interface Stream {
  readonly socket: net.Socket;
  left: number;
}

/** By phase. */
const streams: Set<Stream>[] = Array.from({ length: PHASES }, () => new Set());
let nextPhase = 0;
let phase = 0;

setInterval(() => {
  const due = streams[phase]!;
  phase = (phase + 1) % PHASES;
  for (const stream of due) {
    if (stream.left-- > 0) stream.socket.write(EVENT);
    else {
      stream.socket.write(LAST);
      due.delete(stream);
    }
  }
}, GAP_MS / PHASES);

function serve(socket: net.Socket): void {
  let text = '';
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.on('data', (data: Buffer) => {
    text += data.toString('latin1');
    for (;;) {
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
      const total = end + 4 + length;
      if (text.length < total) return;
      answer(socket, text.slice(0, total), end);
      text = text.slice(total);
    }
  });
}

function answer(socket: net.Socket, request: string, end: number): void {
  if (request.startsWith('GET')) socket.write(request.startsWith('GET /ready ') ? READY : UNKNOWN);
  else if (request.includes('"stream":true', end)) {
    socket.write(STREAM_HEAD);
    const due = streams[nextPhase]!;
    nextPhase = (nextPhase + 1) % PHASES;
    const stream = { socket, left: EVENTS };
    due.add(stream);
    socket.on('close', () => due.delete(stream));
  } else socket.write(PLAIN);
}

async function listen(): Promise<number> {
  const server = net.createServer(serve);
  await new Promise<void>((resolve, reject) => server.on('error', reject).listen(0, '127.0.0.1', resolve));
  return (server.address() as net.AddressInfo).port; // A TCP server's address has a port.
}

const ports: number[] = [];
for (let i = 0; i < WORKERS; i++) ports.push(await listen());
process.send?.(ports);
// The parent's end is the end of this process.
process.on('disconnect', () => process.exit(0));
