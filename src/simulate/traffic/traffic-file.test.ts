import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from '../../base/runtime/rng.ts';
import { Draws } from './draws.ts';
import { TRAFFIC_KINDS } from './kinds.ts';
import { formatTraffic, parseTraffic } from './traffic-file.ts';

test('what is written is read again, to the millisecond', () => {
  assert.equal(TRAFFIC_KINDS.length, 7);
  for (const kind of TRAFFIC_KINDS) {
    const traffic = { name: 'x', ...kind.generate(new Draws(createRng(1)), { seconds: 30, workers: 4, load: 1 }) };
    const text = formatTraffic(traffic);
    const read = parseTraffic('x', text);
    assert.equal(read.conversations.length, traffic.conversations.length);
    assert.ok(read.conversations.length > 3, kind.name);
    assert.deepEqual(read.conversations[2]?.turns[0]?.pieces, traffic.conversations[2]?.turns[0]?.pieces);
    assert.equal(formatTraffic(read), text);
  }
});

test('the same seed gives the same traffic, another one does not', () => {
  for (const kind of TRAFFIC_KINDS) {
    const of = (seed: number) => JSON.stringify(kind.generate(new Draws(createRng(seed)), { seconds: 20, workers: 4, load: 1 }));
    assert.equal(of(5), of(5));
    assert.notEqual(of(5), of(6));
  }
});

test('reads Mooncake traces: blocks of 512 tokens that are equal where their ids are', () => {
  const line = { timestamp: 250, input_length: 1100, output_length: 7, hash_ids: [46, 0, 9] };
  assert.deepEqual(parseTraffic('m', `${JSON.stringify(line)}\n\n`).conversations, [
    {
      atMs: 250,
      turns: [
        {
          afterMs: 0,
          pieces: [
            { seed: 47, tokens: 512 },
            { seed: 1, tokens: 512 },
            { seed: 10, tokens: 76 },
          ],
          answerTokens: 7,
        },
      ],
    },
  ]);
});

test('reports the line of what it cannot read', () => {
  const good = '{"at":1,"turns":[{"pieces":[[1,2]],"answer":3}]}';
  const bad = [
    'x',
    '[]',
    '7',
    '{}',
    '{"at":-1,"join":true}',
    '{"at":1,"leave":"a"}',
    '{"at":1,"turns":[]}',
    '{"at":1,"turns":[3]}',
    '{"at":1,"turns":[{"pieces":[[1]],"answer":3}]}',
    '{"at":1,"turns":[{"pieces":[],"answer":null}]}',
    '{"at":1,"turns":[{"pieces":[],"answer":1,"after":-5}]}',
    '{"timestamp":1,"hash_ids":[1]}',
    '{"timestamp":1,"input_length":5,"output_length":1,"hash_ids":["a"]}',
  ];
  for (const line of bad) assert.throws(() => parseTraffic('f', `${good}\n${line}\n`), /^Error: f:2: /, line);
  assert.throws(() => parseTraffic('f', '\n'), /no request/);
});
