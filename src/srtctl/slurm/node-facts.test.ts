import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { factsLine, gatherFacts, readFacts } from './node-facts.ts';

test('a node tells its address and who has its ports, on a line that is found among others', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => server.close());
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const processes = [{ id: 'router-0', ports: { http: port } }];
  const facts = await gatherFacts({ networkInterface: null, nodes: { a: { address: '127.0.0.1', processes } } }, 'a');
  assert.deepEqual([facts.address, facts.problem], ['127.0.0.1', null]);
  assert.deepEqual(
    facts.taken.map(({ process: id, purpose, port: taken }) => [id, purpose, taken]),
    [['router-0', 'http', port]],
  );
  assert.match(facts.taken[0]?.owner ?? '', new RegExp(`^pid ${process.pid} `));
  const output = `Welcome to node a!\n${factsLine(facts)}\nsrtctl-facts {broken\nbye`;
  assert.deepEqual([...readFacts(output)], [['a', facts]]);
});

test('an interface that a node does not have is a problem that names those it has', async () => {
  const facts = await gatherFacts({ networkInterface: 'ib99', nodes: { a: { address: '10.0.0.1', processes: [] } } }, 'a');
  assert.equal(facts.address, null);
  assert.match(facts.problem ?? '', /^network_interface ib99 has no address here; the interfaces are .*\blo\b/);
});

test('a name that leads nowhere is a problem only where others would have to use it', async () => {
  const one = { address: 'no-such-host.invalid', processes: [] };
  const alone = await gatherFacts({ networkInterface: null, nodes: { a: one } }, 'a');
  assert.notEqual(alone.address, null);
  const facts = await gatherFacts({ networkInterface: 'lo', nodes: { a: one, b: one } }, 'a');
  assert.equal(facts.address, '127.0.0.1', 'a named interface is taken at its word');
});
