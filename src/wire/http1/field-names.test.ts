import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  CONNECTION,
  CONTENT_LENGTH,
  EXPECT,
  findKnownName,
  HOST,
  hashName,
  KEEP_ALIVE,
  knownName,
  TRANSFER_ENCODING,
  UNKNOWN_NAME,
} from './field-names.ts';

const find = (name: string): number => findKnownName(Buffer.from(name, 'latin1'), 0, name.length, hashName(name.toLowerCase()));

test('the numbers of the fields that mean something to the parser are theirs', () => {
  assert.deepEqual([HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, EXPECT, KEEP_ALIVE].map(knownName), [
    'host',
    'content-length',
    'transfer-encoding',
    'connection',
    'expect',
    'keep-alive',
  ]);
});

test('a listed name is found in any case', () => {
  for (const name of ['host', 'HOST', 'Content-Length', 'x-ReQuest-id', 'X-Stainless-Timeout']) {
    assert.equal(knownName(find(name)), name.toLowerCase());
  }
});

test('a name that is not listed is not found, whatever its hash', () => {
  assert.equal(find('x-unlisted'), UNKNOWN_NAME);
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z-]{1,24}$/), fc.integer(), (name, hash) => {
      const id = findKnownName(Buffer.from(name), 0, name.length, hash);
      assert.ok(id === UNKNOWN_NAME || knownName(id) === name);
    }),
  );
});
