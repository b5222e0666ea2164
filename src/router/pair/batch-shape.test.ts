import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemberRecord } from '../../wire/json/member-record.ts';
import { NO_PROMPT } from '../../wire/json/prompt-fields.ts';
import { RequestScan } from '../../wire/json/scan-request.ts';
import { isRefusal, MAX_BATCH, type PairShape, type Refusal, ShapeReader, SINGLE } from './batch-shape.ts';
import { PAIR_FIELDS } from './pair-fields.ts';

const scan = new RequestScan();
const record = new MemberRecord(PAIR_FIELDS);
const reader = new ShapeReader();

function read(endpoint: string, body: string): PairShape | Refusal {
  const buf = Buffer.from(body);
  assert.equal(scan.scan(buf, 0, buf.length, NO_PROMPT, record), 'ok', body);
  return reader.read(endpoint, buf, record);
}

function shapeOf(endpoint: string, body: string): PairShape {
  const shape = read(endpoint, body);
  assert.ok(!isRefusal(shape), JSON.stringify(shape));
  return shape;
}

test('counts the prompts of a batch as the engine does', () => {
  const cases: readonly (readonly [string, string, number])[] = [
    ['generate', '{"text":"a"}', SINGLE],
    ['generate', '{"text":["a"]}', 1],
    ['generate', '{"text":["a,[]\\"", "b" ,"c"]}', 3],
    ['generate', '{"text":[]}', 0],
    ['generate', '{"input_ids":[1,2,3]}', SINGLE],
    ['generate', '{"input_ids":[]}', SINGLE],
    ['generate', '{"input_ids":[[1,2],[3] , [ ]]}', 3],
    ['generate', '{"input_ids": [ [1] ]}', 1],
    ['generate', '{"text":null,"input_ids":[[1],[2]]}', 2],
    ['generate', '{"text":"a","input_ids":[[1],[2]]}', SINGLE],
    ['generate', '{"text":"a","text":["a","b"]}', 2],
    ['generate', '{"t\\u0065xt":["a","b"]}', 2],
    ['generate', '{"input_embeds":[[0.5,1.5],[2,3]]}', SINGLE],
    ['generate', '{"input_embeds":[[[0.5],[1.5]],[[2]]]}', 2],
    ['generate', '{"prompt":["a","b"],"text":"x"}', SINGLE],
    ['generate', '{"other":{"text":["a"]}}', SINGLE],
    ['completions', '{"prompt":"a"}', SINGLE],
    ['completions', '{"prompt":["a","b"]}', 2],
    ['completions', '{"prompt":[1,2,3]}', SINGLE],
    ['completions', '{"prompt":[[1,2],[3]]}', 2],
    ['completions', '{"prompt":[]}', SINGLE],
    ['completions', '{"prompt":"a","text":["a","b"]}', SINGLE],
    ['chat', '{"messages":[],"text":["a","b"],"prompt":["a"]}', SINGLE],
    ['responses', '{"input":"a","n":4}', SINGLE],
  ];
  for (const [endpoint, body, batch] of cases) assert.equal(shapeOf(endpoint, body).batch, batch, `${endpoint} ${body}`);
});

test('refuses several samples of one prompt, and says why and which parameter', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['chat', '{"n":2}', 'n'],
    ['chat', '{"n":1,"n":3}', 'n'],
    ['chat', '{"n":"2"}', 'n'],
    ['chat', '{"n":"\\u0032"}', 'n'],
    ['completions', '{"prompt":["a","b"],"n":2.0}', 'n'],
    ['generate', '{"text":"a","sampling_params":{"temperature":0,"n":2}}', 'sampling_params.n'],
    ['generate', '{"text":"a","sampling_params":{"\\u006e":20}}', 'sampling_params.n'],
    ['generate', '{"text":["a","b"],"sampling_params":[{"n":2},{"n":2}]}', 'sampling_params.n'],
  ];
  for (const [endpoint, body, param] of cases) {
    const refusal = read(endpoint, body);
    assert.ok(isRefusal(refusal), body);
    assert.equal(refusal.param, param);
    assert.match(refusal.message, /makes one sample for each prompt/);
  }
});

test('takes one sample, however it is said, and n where it means nothing', () => {
  const bodies: readonly (readonly [string, string])[] = [
    ['chat', '{"n":1}'],
    ['chat', '{"n":null}'],
    ['chat', '{"n":"many"}'],
    ['chat', '{"n":[2]}'],
    ['chat', '{"n":2,"n":1}'],
    ['chat', '{"sampling_params":{"n":2}}'],
    ['generate', '{"text":"a","n":2}'],
    ['generate', '{"text":"a","sampling_params":null}'],
    ['generate', '{"text":"a","sampling_params":{"x":{"n":2},"n":1}}'],
    ['generate', '{"text":"a","sampling_params":[]}'],
    ['generate', '{"text":"a","sampling_params":"n"}'],
  ];
  for (const [endpoint, body] of bodies) assert.equal(shapeOf(endpoint, body).batch, SINGLE, body);
});

test('says whether logprobs of the prompt will have to be merged', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['generate', '{"text":"a"}', false],
    ['generate', '{"return_logprob":true}', true],
    ['generate', '{"return_logprob":false}', false],
    ['generate', '{"return_logprob":null}', false],
    ['generate', '{"return_logprob":[false,true]}', true],
    ['generate', '{"logprobs":true}', false],
    ['completions', '{"logprobs":3}', false],
    ['completions', '{"logprobs":3,"echo":true}', true],
    ['completions', '{"logprobs":0,"echo":true}', false],
    ['completions', '{"logprobs":3,"echo":false}', false],
    ['completions', '{"logprobs":null,"echo":true}', false],
    ['chat', '{"logprobs":true,"top_logprobs":2}', false],
  ];
  for (const [endpoint, body, wants] of cases) assert.equal(shapeOf(endpoint, body).wantsInputLogprobs, wants, `${endpoint} ${body}`);
});

test("gives the client's own request id as it stands in the body", () => {
  assert.equal(shapeOf('chat', '{"a":1}').rid, null);
  assert.equal(shapeOf('chat', '{"rid":null}').rid, null);
  assert.equal(shapeOf('chat', '{"rid":"é\\"1"}').rid, '"é\\"1"');
  assert.equal(shapeOf('generate', '{"rid":["a", "b"],"text":["x","y"]}').rid, '["a", "b"]');
});

test('refuses what has no place for fields, and more than it can keep', () => {
  const message = (endpoint: string, body: string) => {
    const refusal = read(endpoint, body);
    assert.ok(isRefusal(refusal), body.slice(0, 80));
    return refusal.message;
  };
  assert.equal(message('generate', '[{"text":"a"}]'), 'the body must be a JSON object');
  assert.equal(message('generate', '"text"'), 'the body must be a JSON object');
  assert.equal(message('chat', `{${'"rid":"a",'.repeat(1100)}"n":1}`), 'the body repeats its fields too often');
  const list = (count: number) => `{"prompt":[${new Array<string>(count).fill('"a"').join(',')}]}`;
  assert.equal(shapeOf('completions', list(MAX_BATCH)).batch, MAX_BATCH);
  assert.match(message('completions', list(MAX_BATCH + 1)), /^8193 prompts in one request: at most 8192/);
});
