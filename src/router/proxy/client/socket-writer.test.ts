import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { until } from '../../../../test/support/until.ts';
import { handleWriters } from './handle-writer.ts';
import type { MakeSocketWriter, SocketWriter } from './socket-writer.ts';
import { streamWriter } from './stream-writer.ts';

interface Rig {
  readonly writer: SocketWriter;
  /** The router's end. */
  readonly accepted: net.Socket;
  readonly client: net.Socket;
  /** What the client has received, each byte as one character. */
  received(): string;
  /** How often the writer or the socket reported that the client has caught up. */
  drains(): number;
}

/** A real connection with a writer at one end. Neither end reads until it is resumed. */
async function connected(t: TestContext, make: MakeSocketWriter): Promise<Rig> {
  const server = net.createServer({ noDelay: true, allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [net.Socket];
  const chunks: Buffer[] = [];
  client.on('data', (data) => chunks.push(data));
  client.pause();
  client.on('error', () => {});
  accepted.on('error', () => {});
  let drains = 0;
  const drained = () => {
    drains++;
  };
  accepted.on('drain', drained);
  t.after(() => {
    client.destroy();
    accepted.destroy();
    server.close();
  });
  return {
    writer: make(accepted, drained),
    accepted,
    client,
    received: () => Buffer.concat(chunks).toString('latin1'),
    drains: () => drains,
  };
}

const text = (i: number, bytes: number): string => `${i}:${String.fromCharCode(0xc0 + (i % 48)).repeat(bytes)}\n`;

/** Writes texts until the client is behind; returns what was written. */
function writeUntilBehind(writer: SocketWriter, bytes: number): string {
  let written = '';
  for (let i = 0; i < 100_000; i++) {
    const next = text(i, bytes);
    written += next;
    if (!writer.writeText(next)) return written;
  }
  throw new Error('the kernel took everything');
}

const handle = handleWriters(process);

test('Node from 20 to 24 gets the writer over the handle, a newer one or one that would warn the stream', () => {
  const major = Number.parseInt(process.versions.node, 10);
  assert.equal(handle !== null, major <= 24 && !process.execArgv.includes('--pending-deprecation'));
  assert.equal(handleWriters({ versions: { node: '25.0.0' }, execArgv: [] }), null);
  assert.equal(handleWriters({ versions: { node: process.versions.node }, execArgv: ['--pending-deprecation'] }), null);
});

test('a socket without a handle is written through its stream', { skip: handle === null }, async (t) => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = new net.Socket();
  t.after(() => {
    socket.destroy();
    server.close();
  });
  const writer = handle!(socket, () => {});
  socket.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  assert.equal(writer.writeText('a'), true);
  assert.equal(writer.unsentBytes, 1);
  const [accepted] = (await once(server, 'connection')) as [net.Socket];
  const [data] = await once(accepted, 'data');
  assert.equal(String(data), 'a');
  accepted.destroy();
});

const makers: readonly (readonly [string, MakeSocketWriter | null])[] = [
  ['over the handle', handle],
  ['over the stream', streamWriter],
];

for (const [name, make] of makers) {
  suite(`a socket writer ${name}`, { skip: make === null ? 'this Node has no such writer' : false }, () => {
    const rig = (t: TestContext): Promise<Rig> => connected(t, make!);

    test('sends text and bytes in order, each character of text as one byte', async (t) => {
      const { writer, client, received } = await rig(t);
      assert.equal(writer.writeText('text\xff\x80 '), true);
      assert.equal(writer.writeBytes(Buffer.from('bytes ')), true);
      assert.equal(writer.writeText('more'), true);
      client.resume();
      const all = 'text\xff\x80 bytes more';
      await until(() => received().length >= all.length, 'all of it');
      assert.equal(received(), all);
      assert.equal(writer.unsentBytes, 0);
      assert.equal(writer.needsDrain, false);
    });

    test('keeps the part that the kernel does not take, says so, and reports when it has left', async (t) => {
      const { writer, client, received, drains } = await rig(t);
      let written = writeUntilBehind(writer, 1000);
      assert.equal(writer.needsDrain, true);
      assert.ok(writer.unsentBytes > 0);
      for (const next of ['one more, ', 'and another']) {
        written += next;
        assert.equal(writer.writeText(next), false);
      }
      await sleep(50);
      assert.equal(drains(), 0);
      client.resume();
      await until(() => drains() > 0, 'the client to catch up');
      assert.equal(writer.needsDrain, false);
      await until(() => received().length >= written.length, 'all of it');
      assert.ok(received() === written);
      assert.equal(writer.unsentBytes, 0);
      assert.equal(drains(), 1);
      assert.equal(writer.writeText('again'), true);
      await until(() => received().endsWith('again'), 'what follows');
    });

    test('sends what follows a part that is still waiting after it, text and bytes', async (t) => {
      const { writer, client, received, drains } = await rig(t);
      let written = writeUntilBehind(writer, 4000);
      for (let i = 0; i < 200; i++) {
        const next = text(i, i * 7);
        written += next;
        const isTaken = i % 3 === 0 ? writer.writeBytes(Buffer.from(next, 'latin1')) : writer.writeText(next);
        assert.equal(isTaken, false);
      }
      assert.equal(writer.needsDrain, true);
      client.resume();
      await until(() => received().length >= written.length, 'all of it');
      assert.ok(received() === written);
      await until(() => drains() > 0, 'the client to catch up');
      assert.equal(writer.needsDrain, false);
    });

    test('sends text after bytes that the stream still holds', async (t) => {
      const { writer, client, received } = await rig(t);
      const bytes = [Buffer.alloc(8 * 1024 * 1024, 'a'), Buffer.alloc(1000, 'b')];
      for (const piece of bytes) assert.equal(writer.writeBytes(piece), false);
      assert.equal(writer.writeText('c'), false);
      client.resume();
      const all = `${Buffer.concat(bytes).toString('latin1')}c`;
      await until(() => received().length >= all.length, 'all of it');
      assert.ok(received() === all);
    });

    test('sends text that is longer than the kernel takes', async (t) => {
      const { writer, client, received } = await rig(t);
      const long = text(1, 8 * 1024 * 1024);
      assert.equal(writer.writeText(long), false);
      assert.ok(writer.unsentBytes > 0);
      client.resume();
      await until(() => received().length >= long.length, 'all of it');
      assert.ok(received() === long);
    });

    test('closes the socket of a client that leaves while a part is waiting, and reports no drain', async (t) => {
      const { writer, accepted, client, drains } = await rig(t);
      writeUntilBehind(writer, 1000);
      client.resetAndDestroy();
      await until(() => accepted.closed, 'the end of the connection');
      assert.equal(drains(), 0);
    });

    test('takes writes to a socket that is closed, and loses them', async (t) => {
      const { writer, accepted, client } = await rig(t);
      client.resume();
      const closed = once(accepted, 'close');
      accepted.destroy();
      writer.writeText('late');
      writer.writeBytes(Buffer.from('later'));
      await closed;
      writer.writeText('too late');
      assert.equal(writer.needsDrain, false);
    });

    test('sends everything in order, however the client reads', async (t) => {
      const sizes = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 40_000 })), { minLength: 1, maxLength: 60 });
      await fc.assert(
        fc.asyncProperty(sizes, fc.integer({ min: 1, max: 20 }), async (pieces, readEvery) => {
          const { writer, accepted, client, received } = await rig(t);
          // From here on nothing is taken whole until the client reads.
          let written = writeUntilBehind(writer, 10_000);
          for (const [i, [isText, bytes]] of pieces.entries()) {
            const next = text(i, bytes);
            written += next;
            if (isText) writer.writeText(next);
            else writer.writeBytes(Buffer.from(next, 'latin1'));
            if (i % readEvery !== 0) continue;
            client.resume();
            await new Promise((resolve) => setImmediate(resolve));
            client.pause();
          }
          client.resume();
          await until(() => received().length >= written.length && writer.unsentBytes === 0, 'all of it');
          assert.ok(received() === written);
          accepted.destroy();
          client.destroy();
        }),
        { numRuns: 30 },
      );
    });
  });
}
