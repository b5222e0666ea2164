import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ListFinder } from './logprob-lists.ts';
import { LogprobMerge } from './logprob-merge.ts';
import { type LogprobRequest, PromptLogprobs } from './prompt-logprobs.ts';

const finder = new ListFinder();
const MAX_BYTES = 1 << 20;

interface Legs {
  readonly request: LogprobRequest;
  readonly isEventStream: boolean;
  readonly prefill: string;
  readonly decode: string;
  /** Which leg says something next, and how many bytes; then prefill its rest, then decode. */
  readonly turns?: readonly (readonly ['prefill' | 'decode', number])[];
}

/** What the client gets, and the most that was held at once. */
function merge(legs: Legs): string {
  const out: Buffer[] = [];
  const prompts = new PromptLogprobs(finder, legs.request, legs.isEventStream, MAX_BYTES);
  const sink = { onBytes: (buf: Buffer, start: number, end: number) => void out.push(Buffer.from(buf.subarray(start, end))) };
  const merged = new LogprobMerge(finder, prompts, legs.isEventStream, MAX_BYTES, sink);
  const bytes = { prefill: Buffer.from(legs.prefill), decode: Buffer.from(legs.decode) };
  const at = { prefill: 0, decode: 0 };
  const say = (leg: 'prefill' | 'decode', count: number) => {
    const to = Math.min(at[leg] + count, bytes[leg].length);
    // A shared receive buffer: other bytes around, and gone after the call.
    const piece = Buffer.concat([Buffer.from('\n{'), bytes[leg].subarray(at[leg], to), Buffer.from('}\n')]);
    if (leg === 'prefill') {
      assert.ok(prompts.push(piece, 2, piece.length - 2));
      merged.resume();
    } else assert.ok(merged.push(piece, 2, piece.length - 2));
    piece.fill(0x7e);
    at[leg] = to;
  };
  for (const [leg, count] of legs.turns ?? []) say(leg, count);
  say('prefill', bytes.prefill.length);
  prompts.end();
  merged.resume();
  say('decode', bytes.decode.length);
  merged.end();
  assert.ok(!merged.isWaiting);
  return Buffer.concat(out).toString('utf8');
}

const SINGLE: LogprobRequest = { format: 'generate', prompts: 1, isBatch: false, wantsExperts: false };
const batchOf = (prompts: number): LogprobRequest => ({ format: 'generate', prompts, isBatch: true, wantsExperts: false });
const plain = (prefill: string, decode: string, request = SINGLE) => merge({ request, isEventStream: false, prefill, decode });
const events = (prefill: string, decode: string, request = SINGLE) => merge({ request, isEventStream: true, prefill, decode });

test('puts the logprobs of the prompt before those of decode, and changes no other byte', () => {
  const prefill =
    '{"text":"a","meta_info":{"id":"1","input_token_logprobs":[[null,1,null],[-0.70000,2,null]],"output_token_logprobs":[[-1,3,null]]}}';
  const decode =
    '{"text":"\\u00e9 é","output_ids":[3,4],\n"meta_info" : {"id":"2","e2e":0.6999999999999999999,"input_token_logprobs": [ ] ,"output_token_logprobs":[[-1,3,null],[-2e-9,4,null]]} }\n';
  assert.equal(plain(prefill, decode), decode.replace('[ ]', '[ [null,1,null],[-0.70000,2,null]]'));
  const more = decode.replace('[ ]', '[[-5,9,null]]');
  assert.equal(plain(prefill, more), decode.replace('[ ]', '[[null,1,null],[-0.70000,2,null],[-5,9,null]]'));
});

test('merges top logprobs and those of chosen tokens too, where decode has an empty list, null, or nothing', () => {
  const prefill = '{"meta_info":{"input_token_logprobs":[[1]],"input_top_logprobs":[null,[[2]]],"input_token_ids_logprobs":[[[3]]]}}';
  assert.equal(
    plain(prefill, '{"meta_info":{"input_token_ids_logprobs":[],"input_top_logprobs":[],"input_token_logprobs":[]}}'),
    '{"meta_info":{"input_token_ids_logprobs":[[[3]]],"input_top_logprobs":[null,[[2]]],"input_token_logprobs":[[1]]}}',
  );
  assert.equal(
    plain(prefill, '{"meta_info":{"id":"x","input_top_logprobs":null,"input_token_logprobs":[]}}'),
    '{"meta_info":{"input_token_ids_logprobs":[[[3]]],"id":"x","input_top_logprobs":[null,[[2]]],"input_token_logprobs":[[1]]}}',
  );
});

test('leaves an answer alone whose engine handed the logprobs on itself, and one to which prefill has nothing to add', () => {
  const prefill = '{"meta_info":{"input_token_logprobs":[[null,1,null],[-0.5,2,null]]}}';
  const whole = '{"meta_info":{"input_token_logprobs":[[null,1,null],[-0.5,2,null]]}}';
  assert.equal(plain(prefill, whole), whole);
  const longer = '{"meta_info":{"input_token_logprobs":[[null,1,null],[-0.5,2,null] ,[-3,3,null]]}}';
  assert.equal(plain(prefill, longer), longer);
  const decode = '{"meta_info":{"input_token_logprobs":[]}}';
  for (const nothing of [
    '{"meta_info":{"input_token_logprobs":[]}}',
    '{"meta_info":{}}',
    '{"error":{"message":"x"}}',
    '',
    'oops',
    '{"meta_info":[',
  ]) {
    assert.equal(plain(nothing, decode), decode, nothing);
  }
  for (const odd of ['{"error":1}', 'oops', '', '[]', '{"meta_info":{"input_token_logprobs":"x"}}']) assert.equal(plain(prefill, odd), odd);
});

test('does not take a longer number for the same one', () => {
  const request: LogprobRequest = { format: 'completions', prompts: 1, isBatch: false, wantsExperts: false };
  const answer = (logprobs: string) => `{"choices":[{"index":0,"logprobs":{"token_logprobs":[${logprobs}]}}]}`;
  assert.equal(plain(answer('-1,-1.5'), answer('-1.5,-2'), request), answer('-1,-1.5,-2'));
  assert.equal(plain(answer('-1,-1.5'), answer('-1 ,-1.5,-2'), request), answer('-1 ,-1.5,-2'));
});

test('of what a prefill stream says twice the first counts', () => {
  const event = (list: string) => `data: {"meta_info":{"input_token_logprobs":[${list}]},"index":0}\n\n`;
  assert.equal(events(event('[1]') + event('[2]'), event(''), batchOf(2)), event('[1]'));
});

test('a batch gets the logprobs of each of its prompts, in a plain answer by place and in events by index', () => {
  const answer = (lists: readonly string[]) => `[${lists.map((list) => `{"meta_info":{"input_token_logprobs":[${list}]}}`).join(', ')}]`;
  assert.equal(plain(answer(['[1]', '', '[3],[4]']), answer(['', '', '']), batchOf(3)), answer(['[1]', '', '[3],[4]']));
  const event = (index: number, list: string) => `data: {"text":"a","meta_info":{"input_token_logprobs":[${list}]},"index":${index}}\n\n`;
  const done = 'data: [DONE]\n\n';
  assert.equal(
    events(event(1, '[7]') + event(0, '[8]') + done, event(0, '') + event(1, '') + event(0, '') + done, batchOf(2)),
    event(0, '[8]') + event(1, '[7]') + event(0, '[8]') + done,
  );
});

test('every event of a /generate stream gets them, since each repeats all that came before', () => {
  const event = (list: string, text: string) => `data: {"text":"${text}","meta_info":{"input_token_logprobs":[${list}],"x":1.50}}\n\n`;
  const done = 'data: [DONE]\n\n';
  assert.equal(
    events(event('[1],[2]', 'a') + done, event('', 'a') + event('', 'ab') + done),
    event('[1],[2]', 'a') + event('[1],[2]', 'ab') + done,
  );
});

test('comments, other fields, errors and CR LF pass through a stream unchanged', () => {
  const prefill = 'data: {"meta_info":{"input_token_logprobs":[[1]]}}\n\ndata: [DONE]\n\n';
  const around = ': ping\r\n\r\nevent: x\r\nid: 1\r\ndata: {"error":{"message":"meta_info"}}\r\n\r\ndata: [DONE]\r\n\r\n';
  const event = (list: string) => `data:{"meta_info":{"input_token_logprobs":[${list}]}}\r\n\r\n`;
  assert.equal(events(prefill, event('') + around + event('')), event('[1]') + around + event('[1]'));
  const cut = 'data: {"meta_info":{"input_token_log';
  assert.equal(events(prefill, event('') + cut), event('[1]') + cut);
});

test('completions get what prefill has of the prompt, without its first token of the output', () => {
  const request: LogprobRequest = { format: 'completions', prompts: 2, isBatch: true, wantsExperts: false };
  const choice = (index: number, tokens: string, logprobs: string, top: string, offsets: string) =>
    `{"index":${index},"text":"t","logprobs":{"text_offset":[${offsets}],"token_logprobs":[${logprobs}],"tokens":[${tokens}],"top_logprobs":${top}},"finish_reason":null}`;
  const prefill = `{"id":"p","choices":[${choice(0, '"a","b","]c"', 'null,-1.0,-2.0', '[null,{"b":-1},{"]c":-2}]', '-1,-1,-1')},${choice(1, '"x"', '-9', '[{"x":-9}]', '-1')}]}`;
  const answer = (first: string) =>
    `{"id":"d","choices":[${first},${choice(1, '"x","y"', '-9,-8', '[{"x":-9},{}]', '-1,-1')}],"usage":{"n":1}}`;
  assert.equal(
    plain(prefill, answer(choice(0, '"]c","d"', '-2.0,-3.0', '[{"]c":-2},{}]', '-1,-1')), request),
    answer(choice(0, '"a","b","]c","d"', 'null,-1.0,-2.0,-3.0', '[null,{"b":-1},{"]c":-2},{}]', '-1,-1,-1,-1')),
  );
});

test('only the first event of each prompt of a completion stream gets them', () => {
  const request: LogprobRequest = { format: 'completions', prompts: 2, isBatch: true, wantsExperts: false };
  const event = (index: number, tokens: string) => `data: {"choices":[{"index":${index},"logprobs":{"tokens":[${tokens}]}}]}\n\n`;
  const bare = 'data: {"choices":[{"index":0,"logprobs":null}]}\n\ndata: {"choices":[],"usage":{}}\n\ndata: [DONE]\n\n';
  assert.equal(
    events(
      event(1, '"p","q"') + event(0, '"r","s","t"') + bare,
      event(0, '"t"') + event(0, '"u"') + event(1, '"q"') + event(1, '"v"') + bare,
      request,
    ),
    event(0, '"r","s","t"') + event(0, '"u"') + event(1, '"p","q"') + event(1, '"v"') + bare,
  );
});

const number = fc.constantFrom('-0.70000', 'null', '-1e-7', '12345678901234567890', '-0.699999988079071');
const list = fc
  .array(
    number.map((logprob) => `[${logprob},7,"]\\""]`),
    { maxLength: 3 },
  )
  .map((elements) => elements.join(','));
const turns = fc.array(fc.tuple(fc.constantFrom('prefill' as const, 'decode' as const), fc.integer({ min: 1, max: 60 })), {
  maxLength: 60,
});

test('the client gets the same bytes however both legs are cut into pieces and whichever says more first', () => {
  const event = (index: number, body: string, tail: string, eol: string) =>
    `data: {"text":"é","meta_info":{"id":"{","input_token_logprobs":[${body}],"output_token_logprobs":[[-1,2,null]${tail}]},"index":${index}}${eol}${eol}`;
  const prompts = fc.array(list, { minLength: 1, maxLength: 3 });
  const order = fc.array(fc.nat(), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(prompts, order, fc.constantFrom('\n', '\r\n'), fc.boolean(), turns, (lists, picks, eol, isDropped, steps) => {
      // A prompt that prefill says nothing about stays as decode has it, and holds the others up no longer than prefill takes.
      const said = isDropped ? lists.slice(1) : lists;
      const base = lists.length - said.length;
      const prefill = `${said.map((body, i) => event(i + base, body, '', eol)).join('')}data: [DONE]${eol}${eol}`;
      const stream = (of: (prompt: number) => string) =>
        `${picks.map((pick, i) => event(pick % lists.length, of(pick % lists.length), ',[0]'.repeat(i), eol)).join('')}data: [DONE]${eol}${eol}`;
      const merged = merge({ request: batchOf(lists.length), isEventStream: true, prefill, decode: stream(() => ''), turns: steps });
      assert.equal(
        merged,
        stream((prompt) => (prompt < base ? '' : lists[prompt]!)),
      );
    }),
    { numRuns: 1500 },
  );
});

test('a plain answer is the same however both legs are cut into pieces', () => {
  const answer = (lists: readonly string[]) =>
    `[${lists.map((body) => `{"text":"é","meta_info":{"input_token_logprobs":[${body}]}}`).join(' ,')}]`;
  fc.assert(
    fc.property(fc.array(list, { minLength: 1, maxLength: 4 }), turns, (lists, steps) => {
      const decode = answer(lists.map(() => ''));
      const merged = merge({ request: batchOf(lists.length), isEventStream: false, prefill: answer(lists), decode, turns: steps });
      assert.equal(merged, answer(lists));
    }),
    { numRuns: 500 },
  );
});

test('says that it waits from the first event without logprobs until prefill has said them', () => {
  const out: string[] = [];
  const prompts = new PromptLogprobs(finder, SINGLE, true, MAX_BYTES);
  const merged = new LogprobMerge(finder, prompts, true, MAX_BYTES, {
    onBytes: (buf, start, end) => void out.push(buf.toString('latin1', start, end)),
  });
  const push = (text: string) => merged.push(Buffer.from(text), 0, text.length);
  push(': hello\n\n');
  assert.ok(!merged.isWaiting);
  push('data: {"meta_info":{"input_token_logprobs":[]}}\n\nda');
  assert.ok(merged.isWaiting);
  assert.equal(out.join(''), ': hello\n\n');
  const said = Buffer.from('data: {"meta_info":{"input_token_logprobs":[[1]]}}\n');
  prompts.push(said, 0, said.length);
  assert.ok(prompts.isComplete, 'nothing more is wanted of prefill: it may die now');
  merged.resume();
  assert.ok(!merged.isWaiting);
  assert.equal(out.join(''), ': hello\n\ndata: {"meta_info":{"input_token_logprobs":[[1]]}}\n\n');
  push('ta: [DONE]\n\n');
  merged.end();
  assert.ok(out.join('').endsWith('\n\ndata: [DONE]\n\n'));
});

test('a plain answer of decode that is whole first waits for prefill to end', () => {
  const out: string[] = [];
  const prompts = new PromptLogprobs(finder, SINGLE, false, MAX_BYTES);
  const merged = new LogprobMerge(finder, prompts, false, MAX_BYTES, {
    onBytes: (buf, start, end) => void out.push(buf.toString('latin1', start, end)),
  });
  const decode = Buffer.from('{"meta_info":{"input_token_logprobs":[]}}');
  merged.push(decode, 0, decode.length);
  assert.ok(!merged.isWaiting, 'decode itself has not ended');
  merged.end();
  assert.ok(merged.isWaiting);
  const prefill = Buffer.from('{"meta_info":{"input_token_logprobs":[[1]]}}');
  prompts.push(prefill, 0, prefill.length);
  merged.resume();
  assert.ok(merged.isWaiting);
  prompts.end();
  merged.resume();
  assert.ok(!merged.isWaiting);
  assert.equal(out.join(''), '{"meta_info":{"input_token_logprobs":[[1]]}}');
});

test('holds no more than allowed of either leg, and says so', () => {
  const long = Buffer.from(`data: {"meta_info":{"input_token_logprobs":[${'[1],'.repeat(100)}[1]]}}\n\n`);
  const sink = { onBytes: () => undefined };
  for (const isEventStream of [true, false]) {
    assert.ok(!new PromptLogprobs(finder, SINGLE, isEventStream, 100).push(long, 0, long.length));
    const prompts = new PromptLogprobs(finder, SINGLE, isEventStream, MAX_BYTES);
    assert.ok(!new LogprobMerge(finder, prompts, isEventStream, 100, sink).push(long, 0, long.length));
  }
  // Short events, held because prefill has said nothing, add up.
  const prompts = new PromptLogprobs(finder, SINGLE, true, MAX_BYTES);
  const merged = new LogprobMerge(finder, prompts, true, 100, sink);
  const event = Buffer.from('data: {"meta_info":{"x":[]}}\n\n');
  const answers = Array.from({ length: 5 }, () => merged.push(event, 0, event.length));
  assert.deepEqual(answers, [true, true, true, false, false]);
  // Lists of many prompts do as well.
  const batch = new PromptLogprobs(finder, batchOf(50), true, 100);
  const said = (index: number) => Buffer.from(`data: {"meta_info":{"input_token_logprobs":[${'1'.repeat(30)}]},"index":${index}}\n`);
  const kept = [0, 1, 2, 3].map((index) => batch.push(said(index), 0, said(index).length));
  assert.deepEqual(kept, [true, true, true, false]);
});

test('does not believe an index that no prompt of the request has', () => {
  const prefill =
    'data: {"meta_info":{"input_token_logprobs":[[1]]},"index":5}\n\ndata: {"meta_info":{"input_token_logprobs":[[2]]},"index":-1}\n\n';
  const decode =
    'data: {"meta_info":{"input_token_logprobs":[]},"index":5}\n\ndata: {"meta_info":{"input_token_logprobs":[]},"index":"x"}\n\n';
  assert.equal(events(prefill, decode, batchOf(2)), decode);
  // Nor does it wait for one.
  const out: string[] = [];
  const prompts = new PromptLogprobs(finder, batchOf(2), true, MAX_BYTES);
  const merged = new LogprobMerge(finder, prompts, true, MAX_BYTES, {
    onBytes: (buf, start, end) => void out.push(buf.toString('latin1', start, end)),
  });
  merged.push(Buffer.from(decode), 0, decode.length);
  assert.equal(out.join(''), decode);
});
