import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FirstEvent, type FirstVerdict } from './first-event.ts';

/** The verdict on a stream that comes in pieces, and what was held until then with the piece that decided. */
function judge(pieces: readonly string[]): { verdict: FirstVerdict; seen: string } {
  const first = new FirstEvent();
  let seen = '';
  for (const piece of pieces) {
    // A shared receive buffer: other bytes around.
    const buf = Buffer.from(`\n\n${piece}"error"`);
    const end = buf.length - 7;
    const verdict = first.push(buf, 2, end);
    seen = first.held.length > 0 ? first.held.toString() : seen + piece;
    buf.fill(0x7e);
    if (verdict !== 'more') return { verdict, seen };
  }
  return { verdict: 'more', seen };
}

const FAILURES: readonly (readonly [string, number, string])[] = [
  ['data: {"error":{"message":"too long","code":400}}\n\n', 400, 'too long'],
  ['data: {"error": {"object":"error","message":"no KV","type":"INTERNAL_SERVER_ERROR","code":500}}\r\n\r\n', 500, 'no KV'],
  ['data: {"error":"plain words"}\n\n', 500, 'plain words'],
  ['data: {"error":{"code":"odd"}}\n\n', 500, ''],
  ['data: {"text":"","meta_info":{"id":"1","finish_reason":{"type":"abort","message":"full","status_code":503}}}\n\n', 503, 'full'],
  ['data:{"meta_info":{"finish_reason":{"type": "abort"}}}\n\ndata: [DONE]\n\n', 500, ''],
  [': comment\n\nevent: error\ndata: {"error":\ndata: {"message":"two lines","code":429}}\n\n', 429, 'two lines'],
];

test('knows the failures of engines, however the stream is cut', () => {
  for (const [text, status, message] of FAILURES) {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: text.length - 1 }), { maxLength: 6 }), (cuts) => {
        const at = [0, ...new Set(cuts.sort((a, b) => a - b)), text.length];
        const pieces = at.slice(1).map((to, i) => text.slice(at[i], to));
        const { verdict, seen } = judge(pieces);
        assert.deepEqual(verdict, { status, message });
        assert.ok(text.startsWith(seen));
      }),
      { numRuns: 100 },
    );
  }
});

test('takes anything else for an answer, from its first event on', () => {
  for (const text of [
    'data: {"text":"a","meta_info":{"finish_reason":null}}\n\n',
    'data: {"text":"say \\"error\\" and \\"abort\\"","meta_info":{"finish_reason":{"type":"length","length":1}}}\n\n',
    'data: {"text":"a","meta_info":{"finish_reason":{"type":"stop","matched":"abort"}}}\n\n',
    'data: {"error":null,"choices":[{"delta":{"content":"x"}}]}\n\n',
    'data: [DONE]\n\n',
    'data: "error"\n\n',
    'data: {"error" is no JSON}\n\n',
    'data: {"choices":[]}\n\ndata: {"error":{"code":500}}\n\n',
  ]) {
    assert.equal(judge([text]).verdict, 'answer', text);
    assert.equal(judge([...text]).verdict, 'answer', text);
  }
});

test('waits for an event with data, but not for ever', () => {
  assert.equal(judge([': ping\n\n', 'data: {"te', 'xt":"a"}\n']).verdict, 'more');
  assert.equal(judge([`data: ${'x'.repeat(300_000)}`]).verdict, 'answer');
});
