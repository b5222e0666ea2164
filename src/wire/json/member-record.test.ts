import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { requestSource, valueSource } from '../../../test/support/json-documents.ts';
import { FieldNames, NO_FIELD } from './field-names.ts';
import { MemberRecord } from './member-record.ts';
import { NO_PROMPT } from './prompt-fields.ts';
import { RequestScan } from './scan-request.ts';

const NAMES = ['model', 'stream', 'text', 'input_ids', 'n'];
const scan = new RequestScan();
const record = new MemberRecord(new FieldNames(NAMES));

function scanText(text: string): Buffer {
  const buf = Buffer.from(text);
  scan.scan(buf, 0, buf.length, NO_PROMPT, record);
  return buf;
}

/** Members of the outermost object as JSON.parse sees them one at a time: key and raw value, in document order. */
function entriesOf(buf: Buffer): [string, string][] {
  return Array.from({ length: record.count }, (_, i) => [
    NAMES[record.field(i)]!,
    buf.toString('utf8', record.valueStart(i), record.valueEnd(i)),
  ]);
}

test('records the members asked for, with repetitions and escaped spellings, in document order', () => {
  const buf = scanText('{"a":{"n":1}, "n" : 2,"te\\u0078t":"x" ,"n":[3 , {"n":4}]}');
  assert.deepEqual(entriesOf(buf), [
    ['n', '2'],
    ['text', '"x"'],
    ['n', '[3 , {"n":4}]'],
  ]);
  assert.equal(record.memberCount, 4);
  assert.equal(record.insertAt, 1);
  assert.equal(record.startsWithEntry, false);
  assert.equal(record.last(NAMES.indexOf('n')), 2);
  assert.equal(record.last(NAMES.indexOf('stream')), -1);
});

test('what JSON.parse keeps of a field is the last entry of that field', () => {
  fc.assert(
    fc.property(requestSource, (text) => {
      const buf = scanText(text);
      const body = JSON.parse(text) as Record<string, unknown>;
      NAMES.forEach((name, field) => {
        const entry = record.last(field);
        assert.equal(entry >= 0, Object.hasOwn(body, name));
        if (entry >= 0) assert.deepEqual(JSON.parse(buf.toString('utf8', record.valueStart(entry), record.valueEnd(entry))), body[name]);
      });
    }),
    { numRuns: 2000 },
  );
});

test('a document that is no object has no place for members', () => {
  fc.assert(
    fc.property(valueSource, (text) => {
      scanText(text);
      assert.equal(record.insertAt >= 0, text.trimStart().startsWith('{'));
    }),
  );
});

test('remembers a bounded number of repetitions and says that there were more', () => {
  scanText(`{${'"n":1,'.repeat(1024)}"a":1}`);
  assert.deepEqual([record.count, record.isFull, record.memberCount], [1024, false, 1025]);
  scanText(`{${'"n":1,'.repeat(1024)}"n":1}`);
  assert.deepEqual([record.count, record.isFull, record.memberCount], [1024, true, 1025]);
  scanText('{"n":1}');
  assert.deepEqual([record.count, record.isFull, record.startsWithEntry], [1, false, true]);
});

test('tells names apart from their neighbours', () => {
  const names = new FieldNames(['rid', 'room', 'bootstrap_room']);
  const find = (key: string) => names.find(Buffer.from(`"${key}"`), 1, key.length + 1);
  assert.equal(find('rid'), 0);
  assert.equal(find('bootstrap_room'), 2);
  assert.equal(find('bootstrap_roo\\u006d'), 2);
  assert.equal(find('\\u0072oom'), 1);
  assert.equal(find('\\u0072\\u006f\\u006F\\u006d'), 1);
  for (const other of [
    '',
    'r',
    'rod',
    'Rid',
    'rooms',
    'bootstrap_roo',
    'bootstrap_room_',
    'roo\\m',
    'x'.repeat(200),
    '\\u0072'.repeat(14),
  ]) {
    assert.equal(find(other), NO_FIELD, other);
  }
});
