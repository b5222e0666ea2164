import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRng } from '../../base/runtime/rng.ts';
import { ONE_TOKEN_PER_WORD } from './prompt.ts';
import { readTrace, type TraceRequest, traceReplay } from './trace.ts';

const LINE = { timestamp: 0, input_length: 1300, output_length: 52, hash_ids: [46, 47, 48] };
const text = (...lines: readonly object[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('');
const SETTINGS = { name: 'x', concurrencies: [], good: { ttftMs: 1, itlMs: 1 }, blockRng: createRng };

function requestsOf(trace: string): readonly TraceRequest[] {
  const read = readTrace(trace);
  return read.ok ? read.requests : assert.fail(read.message);
}

describe('a trace', () => {
  it('has one request a line', () => {
    assert.deepEqual(requestsOf(`${text(LINE)}\n${text({ ...LINE, timestamp: 27, hash_ids: [] })}`), [
      { timestampMs: 0, inputTokens: 1300, outputTokens: 52, blocks: [46, 47, 48], text: null },
      { timestampMs: 27, inputTokens: 1300, outputTokens: 52, blocks: [], text: null },
    ]);
  });

  it('may hold prompts as text', () => {
    const [request] = requestsOf(text({ text_input: 'four score and', output_length: 2 }));
    assert.deepEqual(request, { timestampMs: null, inputTokens: 4, outputTokens: 2, blocks: [], text: 'four score and' });
  });

  for (const [what, trace, line, message] of [
    ['not JSON', `${text(LINE)}{`, 2, 'not JSON'],
    ['null', 'null\n', 1, 'output_length is no whole number from 1'],
    ['without a length', text({ ...LINE, input_length: 0 }), 1, 'input_length is no whole number from 1'],
    ['with other ids', text({ ...LINE, hash_ids: ['a'] }), 1, 'hash_ids is no list of whole numbers'],
    ['with a time that is none', text({ ...LINE, timestamp: '1' }), 1, 'timestamp is no number from 0'],
    ['that goes back', text({ ...LINE, timestamp: 5 }, { ...LINE, timestamp: 4 }), 2, 'timestamp 4 is before that of the line above'],
    ['of nothing', '\n', 1, 'there is no request'],
  ] as const)
    it(`${what} is refused`, () => assert.deepEqual(readTrace(trace), { ok: false, line, message }));
});

describe('a replay', () => {
  const requests = requestsOf(text({ ...LINE, timestamp: 100 }, { ...LINE, timestamp: 350, input_length: 1024, hash_ids: [46, 47] }));

  it('starts requests at the times of the trace, the first at once', () => {
    const [point] = traceReplay(requests, SETTINGS)?.points ?? [];
    assert.deepEqual([point?.arrivalsMs, point?.concurrency, point?.requests], [[0, 250], null, 2]);
  });

  it('keeps to concurrencies where they are given', () => {
    const points = traceReplay(requests, { ...SETTINGS, concurrencies: [2, 4] })?.points ?? [];
    assert.deepEqual(
      points.map(({ arrivalsMs, concurrency }) => [arrivalsMs, concurrency]),
      [
        [null, 2],
        [null, 4],
      ],
    );
  });

  it('needs times or concurrencies', () => {
    const untimed = requestsOf(text({ input_length: 5, output_length: 5 }));
    assert.equal(traceReplay(untimed, SETTINGS), null);
    assert.ok(traceReplay(untimed, { ...SETTINGS, concurrencies: [1] }) !== null);
  });

  it('makes equal text of equal blocks, and no other', () => {
    const [point] = traceReplay(requests, SETTINGS)?.points ?? [];
    const draw = point?.draw(ONE_TOKEN_PER_WORD, createRng(1)) ?? assert.fail();
    const words = [draw(0), draw(1)].map(({ prompt }) => prompt.trim().split(' '));
    assert.deepEqual(
      words.map(({ length }) => length),
      [1300, 1024],
    );
    assert.deepEqual(words[0]?.slice(0, 1024), words[1]);
    assert.notDeepEqual(words[0]?.slice(0, 512), words[0]?.slice(512, 1024));
  });

  it('makes new text of what no block covers', () => {
    const [point] = traceReplay(requestsOf(text({ ...LINE, hash_ids: [] }, { ...LINE, hash_ids: [] })), SETTINGS)?.points ?? [];
    const draw = point?.draw(ONE_TOKEN_PER_WORD, createRng(1)) ?? assert.fail();
    assert.notEqual(draw(0).prompt, draw(1).prompt);
  });
});
