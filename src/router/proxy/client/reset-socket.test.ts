import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { resetSocket } from './reset-socket.ts';

test('the other side sees a reset and never an end', async (t) => {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  for (let i = 0; i < 20; i++) {
    const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
    const [accepted] = (await once(server, 'connection')) as [net.Socket];
    let text = '';
    let hasEnded = false;
    client.on('data', (data: Buffer) => {
      text += data;
    });
    client.on('end', () => {
      hasEnded = true;
    });
    accepted.write('half of');
    await once(client, 'data');
    resetSocket(accepted);
    const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNRESET');
    assert.equal(hasEnded, false);
    assert.equal(text, 'half of');
    assert.ok(accepted.destroyed);
  }
});

test('a socket whose own end is still on its way is closed all the same', async (t) => {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  client.on('error', () => {});
  const [accepted] = (await once(server, 'connection')) as [net.Socket];
  const errors: unknown[] = [];
  accepted.on('error', (error) => errors.push(error));
  accepted.end('the end');
  resetSocket(accepted);
  await once(accepted, 'close');
  assert.deepEqual(errors, []);
  client.destroy();
});
