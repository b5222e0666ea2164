/** A simulated engine for one test, and clients of it that can leave. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { SimOptions } from '../../src/sim/engine/options.ts';
import { type SimHandle, startSim } from '../../src/sim/program/start-sim.ts';
import { sendRaw } from './send-raw.ts';

/** A hundred times faster than a real one unless `options` says otherwise. It ends with the test. */
export async function simFor(t: TestContext, options: Partial<SimOptions> = {}): Promise<SimHandle> {
  const sim = await startSim({ speedup: 100, ...options });
  t.after(() => sim.stop());
  return sim;
}

/** A plain request that does not end by itself while a test runs. */
export const ENDLESS = { text: 'long', sampling_params: { max_new_tokens: 100_000, ignore_eos: true } };

/** Status of a GET. */
export async function statusOf(sim: SimHandle, path: string): Promise<number> {
  return (await sendRaw(sim.port, 'GET', path)).status;
}

/** Writes `text` and collects the answer until the engine closes the connection. */
export async function converse(sim: SimHandle, text: string): Promise<string> {
  const socket = connect(sim.port, '127.0.0.1');
  socket.write(text);
  let heard = '';
  socket.on('data', (piece: Buffer) => {
    heard += piece.toString('latin1');
  });
  await once(socket, 'close');
  return heard;
}

/** Text of a POST request with a JSON body. */
export function postText(path: string, body: object): string {
  const text = JSON.stringify(body);
  return `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

/** A POST whose client leaves when the socket is destroyed. */
export function openRequest(sim: SimHandle, path: string, body: object): Socket {
  const socket = connect(sim.port, '127.0.0.1');
  socket.on('error', () => {
    // A socket that the client destroyed while the engine wrote.
  });
  socket.write(postText(path, body));
  return socket;
}
