import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { requestSource, valueSource } from '../../test/support/json-documents.ts';
import { ElementCounter } from './element-count.ts';
import { MemberWalk } from './member-walk.ts';

const walk = new MemberWalk();

function membersOf(text: string): [string, unknown][] {
  const buf = Buffer.from(text);
  const members: [string, unknown][] = [];
  if (!walk.open(buf, 0, buf.length)) return members;
  while (walk.next()) {
    const key = JSON.parse(`"${buf.toString('utf8', walk.keyStart, walk.keyEnd)}"`) as string;
    members.push([key, JSON.parse(buf.toString('utf8', walk.valueStart, walk.valueEnd))]);
  }
  return members;
}

test('walks over the members of any object as JSON.parse reads them', () => {
  fc.assert(
    fc.property(requestSource, (text) => {
      assert.deepEqual(Object.fromEntries(membersOf(text)), JSON.parse(text));
    }),
    { numRuns: 1000 },
  );
});

test('opens no value other than an object', () => {
  fc.assert(
    fc.property(valueSource, (text) => {
      const buf = Buffer.from(text);
      assert.equal(walk.open(buf, 0, buf.length), text.startsWith('{'));
    }),
  );
});

test('stops where a document is cut or wrong, with the members before', () => {
  assert.deepEqual(membersOf('{"a":1,"b":'), [['a', 1]]);
  assert.deepEqual(membersOf('{"a":1,"b"'), [['a', 1]]);
  assert.deepEqual(membersOf('{"a":1'), [['a', 1]]);
  assert.deepEqual(membersOf('{"a":1;"b":2}'), [['a', 1]]);
  assert.deepEqual(membersOf('{'), []);
});

test('reads a key by name, however it is spelled', () => {
  const buf = Buffer.from('{"inde\\u0078":1}');
  walk.open(buf, 0, buf.length);
  assert.ok(walk.next());
  assert.ok(walk.keyReads(Buffer.from('index')));
  assert.ok(!walk.keyReads(Buffer.from('indez')));
});

test('counts the elements of any array', () => {
  const counter = new ElementCounter();
  fc.assert(
    fc.property(fc.array(valueSource, { maxLength: 8 }), fc.constantFrom('', ' ', '\n\t'), (values, space) => {
      const text = `[${space}${values.join(`${space},${space}`)}${space}]`;
      const buf = Buffer.from(`x${text}]`);
      assert.equal(counter.count(buf, 1, 1 + Buffer.byteLength(text)), values.length);
    }),
    { numRuns: 1000 },
  );
});
