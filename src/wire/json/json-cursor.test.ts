import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { requestSource, valueSource } from '../../../test/support/json-documents.ts';
import { FieldNames } from './field-names.ts';
import { JsonCursor } from './json-cursor.ts';

const cursor = new JsonCursor();

/** Builds what the cursor walks over, entering every container. */
function build(buf: Buffer): unknown {
  if (cursor.enterArray()) {
    const elements: unknown[] = [];
    while (cursor.nextElement()) elements.push(build(buf));
    return elements;
  }
  if (cursor.enterObject()) {
    const members: [string, unknown][] = [];
    while (cursor.nextKey()) {
      const key = JSON.parse(`"${buf.toString('utf8', cursor.keyStart, cursor.keyEnd)}"`) as string;
      members.push([key, build(buf)]);
    }
    return Object.fromEntries(members);
  }
  const from = cursor.at;
  assert.ok(cursor.skip());
  return JSON.parse(buf.toString('utf8', from, cursor.at));
}

test('reads any document as JSON.parse does when it enters every container, and ends behind it', () => {
  fc.assert(
    fc.property(fc.oneof(requestSource, valueSource), (text) => {
      const buf = Buffer.from(`"x${text}]}`);
      cursor.open(buf, 2, buf.length - 2);
      assert.deepEqual(build(buf), JSON.parse(text));
      assert.equal(cursor.at, 2 + Buffer.byteLength(text.trimEnd()));
    }),
    { numRuns: 2000 },
  );
});

test('skips what is not entered: the members of any object, one level deep', () => {
  fc.assert(
    fc.property(requestSource, (text) => {
      const buf = Buffer.from(text);
      cursor.open(buf, 0, buf.length);
      const members: [string, unknown][] = [];
      assert.ok(cursor.enterObject());
      while (cursor.nextKey()) {
        const key = JSON.parse(`"${buf.toString('utf8', cursor.keyStart, cursor.keyEnd)}"`) as string;
        const from = cursor.at;
        assert.ok(cursor.skip());
        members.push([key, JSON.parse(buf.toString('utf8', from, cursor.at))]);
      }
      assert.deepEqual(Object.fromEntries(members), JSON.parse(text));
    }),
    { numRuns: 500 },
  );
});

test('comes to an end in every cut or changed document', () => {
  fc.assert(
    fc.property(requestSource, fc.nat(), fc.constantFrom('', '"', '{', ']', ',', 'x'), (text, cutAt, instead) => {
      const bytes = Buffer.from(text);
      const buf = Buffer.concat([bytes.subarray(0, cutAt % (bytes.length + 1)), Buffer.from(instead)]);
      cursor.open(buf, 0, buf.length);
      const walk = (depth: number): boolean => {
        assert.ok(cursor.at <= buf.length && depth < 100);
        if (cursor.enterArray()) {
          while (cursor.nextElement()) if (!walk(depth + 1)) return false;
          return true;
        }
        if (cursor.enterObject()) {
          while (cursor.nextKey()) if (!walk(depth + 1)) return false;
          return true;
        }
        return cursor.skip();
      };
      walk(0);
      cursor.close();
    }),
    { numRuns: 2000 },
  );
});

test('stops where a document is cut or wrong', () => {
  const keys = (text: string): number => {
    const buf = Buffer.from(text);
    cursor.open(buf, 0, buf.length);
    if (!cursor.enterObject()) return -1;
    let count = 0;
    while (cursor.nextKey()) {
      if (!cursor.skip()) break;
      count++;
    }
    return count;
  };
  for (const [text, count] of [
    ['{"a":1,"b":', 1],
    ['{"a":1,"b"', 1],
    ['{"a":1', 1],
    ['{"a":1;"b":2}', 1],
    ['{', 0],
    ['', -1],
    ['[]', -1],
  ] as const)
    assert.equal(keys(text), count, text);
});

test('knows a key by name, however it is spelled', () => {
  const buf = Buffer.from('{"inde\\u0078" : 1}');
  cursor.open(buf, 0, buf.length);
  assert.ok(cursor.enterObject());
  assert.ok(cursor.nextKey());
  assert.ok(cursor.keyReads(Buffer.from('index')));
  assert.ok(!cursor.keyReads(Buffer.from('indez')));
  assert.equal(cursor.keyIn(new FieldNames(['a', 'index'])), 1);
  assert.equal(cursor.byte, 0x31);
});
