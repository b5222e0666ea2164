import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createRedactor } from './redactor.ts';
import { looksSecret } from './secret-values.ts';

const SECRET = [
  'HF_TOKEN',
  'token',
  'GITHUB_TOKEN',
  'GITHUB_PAT',
  'githubPat',
  'api-key',
  'api_key',
  'OPENAI_API_KEY',
  'wandbApiKey',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_ACCESS_KEY_ID',
  'DB_PASSWORD',
  'passwd',
  'client_secret',
  'SSH_KEY',
  'credentials',
  'admin-api-keys',
  'Authorization',
];
const HARMLESS = [
  'max_tokens',
  'max-token',
  'eos-token',
  'tokenizer-path',
  'tokens',
  'public_key',
  'cache_key',
  'key',
  'keys',
  'kv-cache-dtype',
  'TOKEN_FILE',
  'api-key-header',
  'keepalive',
  'monkey',
  'secretary',
  'path',
  'PAT_LENGTH',
  'PATH',
  'pattern',
  'HF_HOME',
  '',
];

describe('a key', () => {
  for (const key of SECRET) it(`${key} looks secret`, () => assert.equal(looksSecret(key), true));
  for (const key of HARMLESS) it(`${JSON.stringify(key)} does not look secret`, () => assert.equal(looksSecret(key), false));
});

describe('a redactor', () => {
  const redactor = createRedactor(['s3cret-value', 'it\'s "quoted"', '7', 's3cret', 'a b&c', 'first line\nsecond line']);

  it('takes secrets out of text, the longest first', () => {
    assert.equal(redactor.text('--api-key s3cret-value --x s3cret!'), '--api-key *** --x ***!');
  });

  it('finds them in quotes of JSON and of a shell, in URLs and line by line', () => {
    const quoted = 'it\'s "quoted"';
    assert.equal(redactor.text(JSON.stringify({ a: quoted })), '{"a":"***"}');
    assert.equal(redactor.text(`'it'\\''s "quoted"'`), "'***'");
    assert.equal(redactor.text('http://h/?k=a%20b%26c'), 'http://h/?k=***');
    assert.equal(redactor.text('log: second line'), 'log: ***');
  });

  it('replaces short ones only where they stand alone', () => {
    assert.equal(redactor.text('7'), '***');
    assert.equal(redactor.text('17 of 70'), '17 of 70');
  });

  it('takes user names and passwords out of URLs', () => {
    assert.equal(redactor.text('see https://user:pass@host/x'), 'see https://***@host/x');
  });

  it('goes through data, and hides everything below keys that look secret', () => {
    const data = {
      env: { HF_TOKEN: 'other', HOME: '/home', N: 3 },
      argv: ['--key', 's3cret'],
      api_keys: [1, { a: 'x' }],
      none: null,
      on: true,
    };
    assert.deepEqual(redactor.data(data), {
      env: { HF_TOKEN: '***', HOME: '/home', N: 3 },
      argv: ['--key', '***'],
      api_keys: ['***', { a: '***' }],
      none: null,
      on: true,
    });
  });

  it('leaves no secret of four characters or more in any text around it', () => {
    const secret = fc
      .string({ minLength: 4, maxLength: 20, unit: 'grapheme' })
      .filter((text) => !'***'.includes(text) && !text.includes('*'));
    fc.assert(
      fc.property(fc.array(secret, { minLength: 1, maxLength: 4 }), fc.string(), fc.string(), (secrets, before, after) => {
        const hidden = createRedactor(secrets);
        for (const one of secrets) {
          assert.ok(!hidden.text(`${before}${one}${after}`).includes(one));
          assert.ok(!JSON.stringify(hidden.data({ argv: [`${before}${one}`, one] })).includes(JSON.stringify(one).slice(1, -1)));
        }
      }),
    );
  });
});
