import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseWorkerAddress } from './worker-address.ts';

function taken(text: string) {
  const result = parseWorkerAddress(text);
  assert.ok(result.ok, `${text}: ${result.ok ? '' : result.expected}`);
  return result.address;
}

test('host, port and base path are taken apart', () => {
  assert.deepEqual(taken('http://10.0.0.3:30000'), {
    url: 'http://10.0.0.3:30000',
    scheme: 'http',
    host: '10.0.0.3',
    port: 30000,
    authority: '10.0.0.3:30000',
    basePath: '',
  });
  assert.deepEqual(taken('HTTPS://Engine.Example:8443/models/a/'), {
    url: 'https://engine.example:8443/models/a',
    scheme: 'https',
    host: 'engine.example',
    port: 8443,
    authority: 'engine.example:8443',
    basePath: '/models/a',
  });
});

test('an IPv6 address connects without brackets and is named with them', () => {
  const address = taken('http://[0:0:0:0:0:0:0:1]:30000/');
  assert.equal(address.host, '::1');
  assert.equal(address.authority, '[::1]:30000');
  assert.equal(address.url, 'http://[::1]:30000');
});

test('the port follows from the scheme where it is left out', () => {
  assert.equal(taken('http://a').port, 80);
  assert.equal(taken('https://a').port, 443);
  assert.equal(taken('http://a:80').url, taken('http://a/').url);
  assert.equal(taken('http://a:443').authority, 'a:443');
});

const REFUSED: readonly [string, RegExp][] = [
  ['', /http:\/\/ or https:\/\//],
  ['10.0.0.3:30000', /http:\/\/ or https:\/\//],
  ['localhost:30000', /http:\/\/ or https:\/\//],
  ['http:/a', /http:\/\/ or https:\/\//],
  ['ftp://a', /^http:\/\/ or https:\/\/$/],
  ['grpc://a:1', /grpc:\/\/ workers are not available/],
  ['GRPC://a:1', /grpc:\/\/ workers are not available/],
  ['http://', /host name/],
  ['http:///x', /host name/],
  ['http://:80', /host name/],
  ['http://::1:80', /host name/],
  ['http://[::1', /host name/],
  ['http://[::1]x:80', /host name/],
  ['http://1.2.3:80', /host name/],
  ['http://a:', /port/],
  ['http://a:0', /port/],
  ['http://a:65536', /port/],
  ['http://a:-1', /port/],
  ['http://a:1:2', /port/],
  ['http://a:8e1', /port/],
  ['http://user:secret@a', /no user name/],
  ['http://a?x', /no query/],
  ['http://a/b?x=1', /no query/],
  ['http://a#', /no query/],
  ['http://a//', /base path/],
  ['http://a/b//c', /base path/],
  ['http://a/../b', /base path/],
  ['http://a/%2E%2e', /base path/],
  ['http://a/%zz', /base path/],
  ['http://a/"', /base path/],
  [' http://a', /without spaces/],
  ['http://a\r\nx: y', /without spaces/],
  ['http://a\0', /without spaces/],
  ['http://bücher', /ASCII/],
  [`http://a/${'x'.repeat(2048)}`, /2048/],
];
for (const [text, expected] of REFUSED) {
  test(`${JSON.stringify(text.slice(0, 40))} is refused`, () => {
    const result = parseWorkerAddress(text);
    assert.ok(!result.ok);
    assert.match(result.expected, expected);
  });
}

const host = fc.oneof(
  fc.ipV4(),
  fc.ipV6().map((address) => `[${address}]`),
  fc.domain(),
  fc.stringMatching(/^[a-z][a-z0-9_]{0,10}$/),
);
const segments = fc.array(fc.stringMatching(/^[a-zA-Z0-9~$:@-]{1,8}$/), { maxLength: 3 });
const valid = fc
  .tuple(fc.constantFrom('http', 'https'), host, fc.option(fc.integer({ min: 1, max: 65535 })), segments, fc.boolean())
  .map(([scheme, name, port, path, slash]) => {
    const base = path.map((segment) => `/${segment}`).join('');
    return `${scheme}://${name}${port === null ? '' : `:${port}`}${base}${slash ? '/' : ''}`;
  });

test('what is taken means the same as it does to the URL standard, and its url is a fixed point', () => {
  fc.assert(
    fc.property(valid, (text) => {
      const address = taken(text);
      const url = new URL(text);
      assert.equal(address.authority, url.host);
      assert.equal(address.basePath, url.pathname.replace(/\/$/, ''));
      assert.equal(String(address.port), url.port || (url.protocol === 'http:' ? '80' : '443'));
      assert.deepEqual(taken(address.url), address);
    }),
    { numRuns: 2000 },
  );
});

test('no text makes it throw, and what is taken can stand in a header', () => {
  const junk = fc.string({
    unit: fc.constantFrom('http://', 'https', '://', '/', ':', '[', ']', '@', '?', '.', 'a', '1', '%2e', '\r\n', ' ', 'é'),
  });
  fc.assert(
    fc.property(
      fc.oneof(
        junk,
        fc.string(),
        junk.map((text) => `http://a${text}`),
      ),
      (text) => {
        const result = parseWorkerAddress(text);
        if (result.ok) assert.match(result.address.url, /^https?:\/\/[\x21-\x7e]+$/);
        else assert.notEqual(result.expected, '');
      },
    ),
    { numRuns: 3000 },
  );
});
