import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { requestSource, valueSource } from '../../../test/support/json-documents.ts';
import * as routes from './prompt-fields.ts';
import { NO_PROMPT, type PromptFields, promptFields } from './prompt-fields.ts';
import { describeProblem, RequestScan } from './scan-request.ts';
import { MAX_DEPTH } from './value-skipper.ts';

const FIELDS: readonly PromptFields[] = Object.values(routes).filter((value) => typeof value === 'object');
const scan = new RequestScan();

/** Scans text that lies in the middle of a larger buffer, so that a look beyond either end shows. */
function scanText(text: string | Buffer, fields: PromptFields = NO_PROMPT): Buffer {
  const bytes = Buffer.from(text);
  const around = Buffer.from('"]}\\');
  const buf = Buffer.concat([around, bytes, around]);
  scan.scan(buf, around.length, around.length + bytes.length, fields);
  return buf;
}

function rangesOf(buf: Buffer): string[] {
  const texts: string[] = [];
  for (let i = 0; i < scan.rangeCount; i++) texts.push(buf.toString('utf8', scan.ranges[2 * i], scan.ranges[2 * i + 1]));
  return texts;
}

function parse(text: string): { value: unknown } | null {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What the scan should have found, taken from what JSON.parse says. */
function assertAgrees(value: unknown, buf: Buffer, fields: PromptFields): void {
  const body = isObject(value) ? value : {};
  const own = (name: string) => (Object.hasOwn(body, name) ? body[name] : undefined);
  assert.equal(scan.isObject, isObject(value));
  const model = own('model');
  assert.equal(scan.decodeModel(buf), typeof model === 'string' ? model : null);
  const stream = own('stream') ?? null;
  assert.equal(scan.stream, stream === null ? 'absent' : typeof stream === 'boolean' ? String(stream) : 'other');
  const present = fields.names.map((name) => own(name.toString()) ?? null).filter((field) => field !== null);
  const wanted = fields.take === 'first' ? present.slice(0, 1) : present;
  const found = rangesOf(buf).map((raw, i) => JSON.parse(typeof wanted[i] === 'string' ? `"${raw}"` : raw));
  assert.deepEqual(found, wanted);
}

/** Checks one text in every way that JSON.parse can confirm. */
function checkAgainstParse(text: string | Buffer, fields: PromptFields): void {
  const buf = scanText(text, fields);
  const parsed = parse(text.toString());
  if (scan.status !== 'ok') assert.equal(parsed, null, `JSON.parse takes what the scan calls ${scan.status}`);
  else if (parsed) assertAgrees(parsed.value, buf, fields);
}

test('finds model, stream and prompt as JSON.parse does, whatever the order, escapes and repetitions', () => {
  fc.assert(
    fc.property(requestSource, fc.constantFrom(...FIELDS), (text, fields) => {
      const parsed = parse(text);
      assert.ok(parsed, 'the generator makes valid documents');
      const buf = scanText(text, fields);
      assert.equal(scan.status, 'ok');
      assertAgrees(parsed.value, buf, fields);
    }),
    { numRuns: 3000 },
  );
});

test('takes a document that is no object, and finds nothing in it', () => {
  fc.assert(fc.property(valueSource, fc.constantFrom(...FIELDS), checkAgainstParse), { numRuns: 500 });
});

test('calls every proper prefix of a document truncated, and finds a part of what the whole holds', () => {
  fc.assert(
    fc.property(requestSource, fc.constantFrom(...FIELDS), (text, fields) => {
      const bytes = Buffer.from(text.trimEnd());
      for (let length = 0; length < bytes.length; length++) {
        const buf = scanText(bytes.subarray(0, length), fields);
        assert.equal(scan.status, 'truncated', `${length} bytes`);
        for (let i = 0; i < scan.rangeCount; i++) {
          const [from, to] = [scan.ranges[2 * i]!, scan.ranges[2 * i + 1]!];
          assert.ok(from >= 4 && from <= to && to <= buf.length - 4, 'a range leaves the document');
        }
      }
    }),
    { numRuns: 150 },
  );
});

test('never misjudges a document with changed bytes', () => {
  const byte = fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('"\\{}[]:,0-9.eEtfn \n')));
  const change = fc.record({ at: fc.nat(), kind: fc.constantFrom('set', 'drop', 'add'), byte });
  fc.assert(
    fc.property(requestSource, fc.constantFrom(...FIELDS), fc.array(change, { minLength: 1, maxLength: 4 }), (text, fields, changes) => {
      const bytes = [...Buffer.from(text)];
      for (const { at, kind, byte: value } of changes) {
        const index = at % (bytes.length + 1);
        if (kind === 'set') bytes[index] = value;
        else if (kind === 'drop') bytes.splice(index, 1);
        else bytes.splice(index, 0, value);
      }
      checkAgainstParse(Buffer.from(bytes), fields);
    }),
    { numRuns: 5000 },
  );
});

test('judges structure, numbers and literals exactly as JSON.parse', () => {
  const tokens = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"model"',
    'true',
    'nul',
    '0',
    '01',
    '-',
    '1.',
    '.5',
    '2e',
    '2e+',
    '1E5',
    ' ',
    '\u00a0',
  ];
  const documents = fc.array(fc.constantFrom(...tokens), { maxLength: 9 }).map((parts) => parts.join(''));
  const seen = { ok: 0, truncated: 0, invalid: 0 };
  const count = (text: string) => {
    const buf = scanText(text);
    seen[scan.status]++;
    const parsed = parse(text);
    // No string here holds anything to argue about, so acceptance must be the same.
    assert.equal(scan.status === 'ok', parsed !== null, JSON.stringify(text));
    if (parsed) assertAgrees(parsed.value, buf, NO_PROMPT);
  };
  for (const a of tokens) for (const b of tokens) for (const c of tokens) count(`${a}${b}${c}`);
  fc.assert(fc.property(documents, count), { numRuns: 5000 });
  assert.ok(seen.ok > 100 && seen.truncated > 100 && seen.invalid > 100, JSON.stringify(seen));
});

test('judges lists of token ids exactly as JSON.parse', () => {
  const element = fc.constantFrom('1', '23', '128000', ' 4', '5 ', '  6', '0', '-7', '1.5', '2e3', '01', '1x', '', 'null', '[8,9]', '"10"');
  fc.assert(
    fc.property(fc.array(element, { maxLength: 8 }), fc.constantFrom(']', '', ',]', '}'), (elements, close) => {
      checkAgainstParse(`{"input_ids":[${elements.join(',')}${close},"model":"m"}`, routes.GENERATE_PROMPT);
      const text = `[${elements.join(',')}${close}`;
      scanText(text);
      assert.equal(scan.status === 'ok', parse(text) !== null, text);
    }),
    { numRuns: 3000 },
  );
});

test('says invalid only when no continuation could help', () => {
  const continuable = ['{"a":tru', '{"a":-', '{"a":1.', '{"a":1e+', '{"a', '{"a"', '{"a":', '{"a":"\\', '[[', '', ' ', '{"a":[1'];
  for (const text of continuable) {
    scanText(text);
    assert.equal(scan.status, 'truncated', text);
  }
});

test('says what is wrong, and where in the document', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['{"a" 1}', 'expected a colon at byte 5'],
    ['{"a":1 "b"', 'expected a comma or a closing brace at byte 7'],
    ['{"a":[1 2]}', 'expected a comma or a closing bracket at byte 8'],
    ['{a:1}', 'expected a key in quotes at byte 1'],
    ['{"a":1,}', 'expected a key in quotes at byte 7'],
    ['{"a":[1,]}', 'expected a value at byte 8'],
    ['{"a":trie}', 'expected true, false or null at byte 5'],
    ['{"a":-x}', 'expected a digit at byte 6'],
    ['{"a":01}', 'expected a comma or a closing brace at byte 6'],
    ['{} {}', 'expected the end of the document at byte 3'],
    ['{"a":Nan}', 'expected a value at byte 5'],
    ['{"a":+Infinity}', 'expected a value at byte 5'],
    ['{"a":-Infinite}', 'expected a digit at byte 6'],
    ['\u{feff}\u{feff}{}', 'expected a value at byte 3'],
  ];
  for (const [text, problem] of cases) {
    scanText(text);
    assert.equal(scan.status, 'invalid', text);
    assert.equal(describeProblem(scan, 4), problem);
  }
  scanText('{"a"');
  assert.equal(describeProblem(scan, 4), 'the document ends too early');
});

test("takes what Python's parsers take besides: a byte order mark, NaN and the infinities", () => {
  for (const value of ['NaN', 'Infinity', '-Infinity', '[1,-Infinity,NaN]', '{"b":Infinity}']) {
    const text = `\u{feff} {"a":${value},"model":"m"}`;
    const buf = scanText(text);
    assert.equal(scan.status, 'ok', text);
    assert.equal(scan.decodeModel(buf), 'm');
    for (let length = 3; length < Buffer.byteLength(text); length++) {
      scanText(Buffer.from(text).subarray(0, length));
      assert.equal(scan.status, 'truncated', `${length} bytes of ${text}`);
    }
  }
});

test('the last of repeated fields counts, also when it takes the value away', () => {
  const buf = scanText(
    '{"model":"a","stream":true,"prompt":"x","mod\\u0065l":"b","prompt":null,"stream":null}',
    promptFields('all', 'prompt'),
  );
  assert.equal(scan.decodeModel(buf), 'b');
  assert.equal(scan.stream, 'absent');
  assert.equal(scan.rangeCount, 0);
});

test('takes fields of the outermost object only', () => {
  const buf = scanText('{"extra":{"model":"inner","stream":true,"messages":[1]},"metadata":[{"model":"x"}]}', routes.CHAT_PROMPT);
  assert.equal(scan.status, 'ok');
  assert.equal(scan.decodeModel(buf), null);
  assert.equal(scan.stream, 'absent');
  assert.equal(scan.rangeCount, 0);
});

test('gives the prompt in prompt order, not in document order', () => {
  const buf = scanText('{"input":[1, 2],"instructions":"be brief"}', routes.RESPONSES_PROMPT);
  assert.deepEqual(rangesOf(buf), ['be brief', '[1, 2]']);
});

test('of token ids and text takes the token ids', () => {
  const both = scanText('{"text":"hello","input_ids":[1,2]}', routes.GENERATE_PROMPT);
  assert.deepEqual(rangesOf(both), ['[1,2]']);
  const text = scanText('{"input_ids":null,"text":"hello"}', routes.GENERATE_PROMPT);
  assert.deepEqual(rangesOf(text), ['hello']);
});

test('a body that is cut inside the prompt gives the part that is there', () => {
  const array = scanText('{"model":"m","messages":[{"role":"user","content":"a long', routes.CHAT_PROMPT);
  assert.equal(scan.status, 'truncated');
  assert.equal(scan.decodeModel(array), 'm');
  assert.deepEqual(rangesOf(array), ['[{"role":"user","content":"a long']);
  const string = scanText('{"stream":true,"prompt":"a long', routes.COMPLETION_PROMPT);
  assert.equal(scan.stream, 'true');
  assert.deepEqual(rangesOf(string), ['a long']);
});

test('half a model name or flag is not taken', () => {
  const buf = scanText('{"stream":false,"model":"llam');
  assert.equal(scan.decodeModel(buf), null);
  scanText('{"model":"m","stream":tru');
  assert.equal(scan.stream, 'absent');
});

test('a model with an escape that is not valid is left to the engine', () => {
  const buf = scanText('{"model":"\\x"}');
  assert.equal(scan.status, 'ok');
  assert.equal(scan.decodeModel(buf), null);
});

test('a key with an escape that is not valid is no field', () => {
  for (const key of ['\\u006grompt', '\\u070rompt', '\\U0070rompt', 'promp\\u007', '\\x0070rompt']) {
    scanText(`{"${key}":"x"}`, routes.COMPLETION_PROMPT);
    assert.deepEqual([scan.status, scan.rangeCount], ['ok', 0], key);
  }
});

test('does not judge what stands inside strings', () => {
  for (const contents of ['a\nb', '\\x', '\\u12', '\u0000']) {
    scanText(`{"a":"${contents}","model":"m"}`);
    assert.equal(scan.status, 'ok', JSON.stringify(contents));
  }
  const buf = scanText(Buffer.from([0x7b, 0x22, 0xff, 0xc3, 0x22, 0x3a, 0x22, 0x80, 0x22, 0x7d]));
  assert.equal(scan.status, 'ok', buf.toString('latin1'));
});

test('nesting is followed without recursion up to its limit', () => {
  const nested = (depth: number) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)},"model":"m"}`;
  const mixed = `${'{"a":['.repeat(50_000)}1${']}'.repeat(50_000)}`;
  const deep = scanText(nested(100_000));
  assert.equal(scan.status, 'ok');
  assert.equal(scan.decodeModel(deep), 'm');
  scanText(mixed);
  assert.equal(scan.status, 'ok');
  scanText(nested(MAX_DEPTH + 2));
  assert.equal(scan.status, 'invalid');
  assert.equal(scan.expected, 'less nesting');
});

test('a later scan keeps nothing of an earlier one', () => {
  scanText('{"model":"m","stream":true,"messages":[1]}', routes.CHAT_PROMPT);
  const buf = scanText('{}', routes.CHAT_PROMPT);
  assert.equal(scan.status, 'ok');
  assert.deepEqual([scan.decodeModel(buf), scan.stream, scan.rangeCount, scan.expected], [null, 'absent', 0, null]);
});

test('refuses more prompt fields than there is room for', () => {
  assert.throws(() => promptFields('all', 'a', 'b', 'c', 'd', 'e'), RangeError);
});
