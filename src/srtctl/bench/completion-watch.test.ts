import assert from 'node:assert/strict';
import test from 'node:test';
import { CompletionWatch } from './completion-watch.ts';
import type { Sample } from './sample.ts';

/** Feeds events at times 10, 20, 30... ms of a request that started at 0. */
function watched(events: readonly string[], status = 200): Sample {
  const watch = new CompletionWatch({ inputTokens: 7, outputTokens: 3 }, 0);
  watch.head(status);
  for (const [index, event] of events.entries()) watch.data(Buffer.from(event), (index + 1) * 10);
  return watch.end();
}

const text = (piece: string, finish: string | null = null): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, text: piece, finish_reason: finish }] })}\n\n`;
const USAGE = 'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4}}}\n\n';

test('first text, last text and the gaps between are taken, events without text are not', () => {
  const sample = watched([text('a'), text('b'), text(''), text('c'), text('', 'length'), USAGE, 'data: [DONE]\n\n']);
  assert.deepEqual(sample, {
    startMs: 0,
    firstMs: 10,
    lastMs: 40,
    gapsMs: [10, 20],
    askedInputTokens: 7,
    askedOutputTokens: 3,
    inputTokens: 9,
    outputTokens: 5,
    cachedTokens: 4,
    isCounted: true,
    error: null,
    isCut: false,
  });
});

test('without usage the tokens asked for and the events count', () => {
  const sample = watched([text('a'), text('b', 'length')]);
  assert.deepEqual([sample.inputTokens, sample.outputTokens, sample.isCounted, sample.error], [7, 2, false, null]);
});

for (const [name, events, status, error] of [
  ['an answer with another status', ['{"error":{"message":"no worker"}}'], 503, 'HTTP 503: no worker'],
  ['an answer of SGLang with another status', ['{"object":"error","message":"too long"}'], 400, 'HTTP 400: too long'],
  ['an answer with another status without a body', [], 502, 'HTTP 502: no body'],
  ['a stream that ends early', [text('a')], 200, 'the stream ended before its last event'],
  ['a stream without text', [text('', 'length'), 'data: [DONE]\n\n'], 200, 'the answer holds no text'],
  ['an error event', [text('a'), 'data: {"error":{"message":"worker died"}}\n\n', 'data: [DONE]\n\n'], 200, 'worker died'],
  ['an aborted answer', [text('a', 'abort')], 200, 'the engine aborted the answer'],
  ...([-1, 1.5, '5', {}, 1e300] as const).map((tokens) => {
    const usage = `data: ${JSON.stringify({ choices: [], usage: { completion_tokens: tokens } })}\n\n`;
    const error = `usage.completion_tokens is ${JSON.stringify(tokens)}, expected a whole number from 0`;
    return [`usage of ${JSON.stringify(tokens)} tokens`, [text('a', 'length'), usage], 200, error] as const;
  }),
  ['an event that is not JSON', ['data: {oh\n\n', 'data: [DONE]\n\n'], 200, 'an event is not JSON: {oh'],
] as const) {
  test(`${name} is a failure`, () => {
    assert.equal(watched(events, status).error, error);
  });
}

test('pieces of a chat are text, its reasoning too', () => {
  const delta = (piece: object): string => `data: ${JSON.stringify({ choices: [{ index: 0, delta: piece, finish_reason: null }] })}\n\n`;
  const sample = watched([
    delta({ role: 'assistant', content: '' }),
    delta({ reasoning_content: 'hm' }),
    delta({ content: 'a' }),
    'data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}\n\n',
    'data: [DONE]\n\n',
  ]);
  assert.deepEqual([sample.firstMs, sample.lastMs, sample.gapsMs, sample.error], [20, 30, [10], null]);
});
