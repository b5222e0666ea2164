import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pairSpec } from '../engine/pair-fields.ts';
import { rawMember } from './raw-member.ts';
import { RoomError, readPairFields } from './read-pair-fields.ts';
import type { Body, Handler } from './request-body.ts';
import { MODEL } from './request-body.ts';
import { SchemaError } from './schema-error.ts';

const NATIVE: Handler = {
  method: 'POST',
  path: '/generate',
  line: 928,
  name: 'generate_request',
  input: { kind: 'dataclass', name: 'GenerateReqInput' },
};
const CHAT: Handler = { ...NATIVE, path: '/v1/chat/completions', input: MODEL };
const read = (text: string, handler: Handler = NATIVE): ReturnType<typeof readPairFields> =>
  readPairFields(Buffer.from(text), JSON.parse(text) as Body, handler);
const roomsOf = (text: string, prompts: number, samples = 1): readonly (string | null)[] => {
  const fields = read(text);
  return Array.from({ length: prompts * samples }, (_, at) => pairSpec(fields, Math.floor(at / samples), at % samples, samples).room);
};

test('a member is found at any position, and the last one counts', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat(6), (other, room, indent) => {
      const text = JSON.stringify({ a: other, bootstrap_room: 'ROOM', b: { bootstrap_room: 1 } }, null, indent).replace(
        '"ROOM"',
        String(room),
      );
      assert.equal(rawMember(Buffer.from(text), 'bootstrap_room'), String(room));
    }),
  );
  assert.equal(rawMember(Buffer.from('{"x":1,"x":2}'), 'x'), '2');
  assert.equal(rawMember(Buffer.from('{"\\u0078":3}'), 'x'), '3');
  for (const text of ['{}', '[1]', '{"y":{"x":1}}']) assert.equal(rawMember(Buffer.from(text), 'x'), null);
});

test('rooms keep all their digits', () => {
  assert.deepEqual(roomsOf('{"bootstrap_room":9223372036854775807}', 1), ['9223372036854775807']);
  assert.deepEqual(roomsOf('{"bootstrap_room": [ 18446744073709551615 , 1 ]}', 2), ['18446744073709551615', '1']);
});

test('a scalar is numbered over prompts and samples; a list has one for all samples of a prompt', () => {
  assert.deepEqual(roomsOf('{"bootstrap_room":9223372036854775807}', 2, 2), [
    '9223372036854775807',
    '9223372036854775808',
    '9223372036854775809',
    '9223372036854775810',
  ]);
  assert.deepEqual(roomsOf('{"bootstrap_room":[5,9]}', 2, 2), ['5', '5', '9', '9']);
});

test('rooms that are missing', () => {
  assert.deepEqual(roomsOf('{}', 1), [null]);
  assert.deepEqual(roomsOf('{"bootstrap_room":null}', 1), [null]);
  assert.deepEqual(roomsOf('{"bootstrap_room":[1,null]}', 3), ['1', null, null]);
  assert.deepEqual(roomsOf('{"bootstrap_room":[]}', 1), [null]);
});

test('digits in quotes and booleans pass the schema; only chat and completions take them', () => {
  for (const [text, message] of [
    ['"123"', 'invalid type: string "123", expected a value or an array of values for OptionalInt64OrList'],
    ['true', 'invalid type: boolean `true`, expected a value or an array of values for OptionalInt64OrList'],
    ['["12"]', 'invalid type: string "12", expected i64'],
  ] as const)
    assert.throws(
      () => read(`{"bootstrap_room":${text}}`),
      (error) => error instanceof RoomError && error.message === message,
      text,
    );
  const roomIn = (text: string): unknown => read(`{"bootstrap_room":${text}}`, CHAT).rooms;
  assert.deepEqual([roomIn('"123"'), roomIn('true'), roomIn('["12",7]')], ['123', '1', ['12', '7']]);
});

test('what is no integer of 64 bits is named by its place in the schema', () => {
  const item = 'list[nullable[int]]';
  for (const [text, ...problems] of [
    ['1.5', `list_type ${item} 1.5`, 'int_from_float int 1.5'],
    ['"x"', `list_type ${item} 'x'`, "int_parsing int 'x'"],
    ['{}', `list_type ${item} {}`, 'int_type int {}'],
    ['18446744073709551616', `list_type ${item} 1.8446744073709552e+19`, 'int_parsing_size int 1.8446744073709552e+19'],
    ['["x"]', `int_parsing ${item},0 'x'`, "int_type int ['x']"],
    ['[1,2.5]', `int_from_float ${item},1 2.5`, 'int_type int [1, 2.5]'],
  ] as const)
    assert.throws(
      () => read(`{"bootstrap_room":${text}}`),
      (error) => {
        assert.ok(error instanceof SchemaError, text);
        assert.deepEqual(
          error.problems.map(({ type, loc, input }) => `${type} ${loc.slice(2).join(',')} ${input}`),
          problems,
        );
        return true;
      },
    );
});

test('hosts and ports are scalars or lists; what is neither text nor number counts as missing', () => {
  const list = read('{"bootstrap_host":["a","b"],"bootstrap_port":[1,null],"bootstrap_room":4,"disagg_prefill_dp_rank":2}');
  assert.deepEqual(
    [0, 1, 2].map((prompt) => {
      const { host, port, prefillRank } = pairSpec(list, prompt, 0, 1);
      return [host, port, prefillRank];
    }),
    [
      ['a', 1, 2],
      ['b', null, 2],
      [null, null, 2],
    ],
  );
  const scalar = pairSpec(read('{"bootstrap_host":"a","bootstrap_port":"1"}'), 1, 0, 1);
  assert.deepEqual([scalar.host, scalar.port], ['a', null]);
});
