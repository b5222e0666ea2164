import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { UsageTail } from './usage-tail.ts';

const META = '"meta_info":{"id":"a","finish_reason":null,"prompt_tokens":11,"weight_version":"w","completion_tokens":4,"cached_tokens":8}';

function usageIn(...pieces: readonly string[]) {
  const tail = new UsageTail();
  for (const piece of pieces) {
    const bytes = Buffer.from(`###${piece}###`);
    tail.push(bytes, 3, bytes.length - 3);
  }
  return tail.read();
}

describe('the token counts at the end of an answer', () => {
  it('are found in chat and completion answers, with and without a cache report', () => {
    const usage = (details: string) =>
      usageIn(
        `{"choices":[{"index":0}],"usage":{"prompt_tokens":32,"total_tokens":40,"completion_tokens":8,"prompt_tokens_details":${details}}}`,
      );
    assert.deepEqual(usage('{"cached_tokens":16}'), { promptTokens: 32, cachedTokens: 16, completionTokens: 8 });
    assert.deepEqual(usage('null'), { promptTokens: 32, cachedTokens: null, completionTokens: 8 });
  });

  it('are found in answers of /generate and /v1/responses, with spaces too', () => {
    assert.deepEqual(usageIn(`{"text":"a",${META}}`), { promptTokens: 11, cachedTokens: 8, completionTokens: 4 });
    const spaced = '{"usage": {"input_tokens": 5, "input_tokens_details": {"cached_tokens": 2}, "output_tokens": 6}}';
    assert.deepEqual(usageIn(spaced), { promptTokens: 5, cachedTokens: 2, completionTokens: 6 });
  });

  it('are those of the last event of a stream that has some', () => {
    const event = (prompt: number) => `data: {"usage":{"prompt_tokens":${prompt},"completion_tokens":${prompt + 1}}}\n\n`;
    const usage = usageIn(event(1), event(20), 'data: {"cached_tokens":3}\n\ndata: [DONE]\n\n');
    assert.deepEqual(usage, { promptTokens: 20, cachedTokens: null, completionTokens: 21 });
  });

  it('are unknown for batches, for answers without counts and for text that looks like counts', () => {
    assert.equal(usageIn(''), null);
    assert.equal(usageIn('{"choices":[],"usage":null}'), null);
    assert.equal(usageIn(`[{"text":"a",${META}},{"text":"b",${META}}]`), null);
    assert.equal(usageIn(`data: {"text":"a",${META},"index":1}\n\n`), null);
    assert.equal(usageIn(JSON.stringify({ text: '"prompt_tokens":1,"completion_tokens":2,"cached_tokens":3' })), null);
  });

  it('do not depend on how the answer was cut, nor on its length', () => {
    const text = fc.nat(20_000).map((length) => `{"text":"${'x'.repeat(length)}",${META}}`);
    fc.assert(
      fc.property(text, fc.array(fc.nat(20_000), { maxLength: 20 }), (answer, cuts) => {
        const edges = [0, ...cuts.filter((cut) => cut < answer.length).sort((a, b) => a - b), answer.length];
        const pieces = edges.slice(1).map((edge, at) => answer.slice(edges[at], edge));
        assert.deepEqual(usageIn(...pieces), { promptTokens: 11, cachedTokens: 8, completionTokens: 4 });
      }),
    );
  });
});
