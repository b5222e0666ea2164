import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findPort, findText, flagWords } from './flag-words.ts';

describe('flags as words', () => {
  it('keeps the order of the recipe, and leaves out what is false, null or empty', () => {
    const flags = { zeta: 1, 'trust-remote-code': true, off: false, nothing: null, none: [], alpha: 'x' };
    assert.deepEqual(flagWords(flags), ['--zeta', '1', '--trust-remote-code', '--alpha', 'x']);
  });

  it('writes a list as words and an object as one word of JSON', () => {
    assert.deepEqual(flagWords({ 'cuda-graph-bs': [1, 2, 4], config: { a: [1, 'b'] } }), [
      '--cuda-graph-bs',
      '1',
      '2',
      '4',
      '--config',
      '{"a":[1,"b"]}',
    ]);
  });

  it('leaves text as it is, whatever a shell would make of it', () => {
    const text = '$(rm -rf /) `id` "a\' b\n';
    assert.deepEqual(flagWords({ text }), ['--text', text]);
  });

  it('joins a value that looks like a flag to its flag', () => {
    assert.deepEqual(flagWords({ offset: -1, more: '--x' }), ['--offset=-1', '--more=--x']);
  });

  it('leaves out what others write', () => {
    assert.deepEqual(flagWords({ port: 1, host: 'x', tp: 2 }, new Set(['port', 'host'])), ['--tp', '2']);
  });

  it('finds text under any of several names, and only whole ports', () => {
    assert.equal(findText({ model: 'b' }, 'model-path', 'model'), 'b');
    assert.equal(findText({ model: true }, 'model'), null);
    const port = (value: string | number | boolean): number | null => findPort({ port: value }, 'port');
    assert.deepEqual(
      [port(30_000), port('30001'), port(0), port(65_536), port('x'), port(''), port(1.5), port(true)],
      [30_000, 30_001, null, null, null, null, null, null],
    );
  });
});
