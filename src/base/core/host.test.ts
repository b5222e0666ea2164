import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseHost, parseUrlHost, urlHost } from './host.ts';

test('an IPv6 address is taken exactly when the platform takes it, and printed as URLs print it', () => {
  const noise = fc.string({ unit: fc.constantFrom(':', '0', '1', 'f', 'FFFF', '::', '.', '127', '255', '256'), maxLength: 12 });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.ipV6(),
        noise.map((text) => `${text}:`),
        noise.map((text) => `:${text}`),
        noise,
      ),
      (text) => {
        fc.pre(text.includes(':'));
        const host = parseHost(text);
        assert.equal(host !== null, isIP(text) === 6, text);
        if (host !== null) assert.equal(urlHost(host), new URL(`http://[${text}]`).hostname);
      },
    ),
    { numRuns: 3000 },
  );
});

test('an IPv4 address is taken exactly when the platform takes it', () => {
  const part = fc.oneof(fc.integer({ min: 0, max: 300 }).map(String), fc.constantFrom('', '00', '01', '0x1', '+1', ' 1'));
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
      const text = parts.join('.');
      const isAddress = parseHost(text)?.kind === 'ipv4';
      assert.equal(isAddress, isIP(text) === 4, text);
    }),
    { numRuns: 3000 },
  );
});

for (const text of [
  'localhost',
  'a',
  'sglang_worker_1',
  'a.b-c.d',
  'svc.default.svc.cluster.local.',
  '1a',
  'x'.repeat(63),
  'xn--bcher-kva.example',
]) {
  test(`"${text}" is a host name`, () => assert.deepEqual(parseHost(text), { kind: 'name', text }));
}

for (const text of [
  '',
  '1:2:3:4::5:6:7:8',
  '1:2:3:4:5:6:7:8::9',
  '.',
  'a..b',
  '-a',
  'a-',
  'a b',
  'ü',
  'a/b',
  'a@b',
  '[::1]',
  '1.2.3',
  '0x7f.0.0.1',
  '1.2.3.0x4',
  '123',
  'x'.repeat(64),
  'fe80::1%eth0',
  '*',
]) {
  test(`"${text}" is no host`, () => assert.equal(parseHost(text), null));
}

test('upper case is folded', () => assert.deepEqual(parseHost('LocalHost'), { kind: 'name', text: 'localhost' }));

test('in a URL an IPv6 address needs its brackets and nothing else may have them', () => {
  assert.deepEqual(parseUrlHost('[::1]'), { kind: 'ipv6', text: '::1' });
  for (const text of ['::1', '[::1', '::1]', '[localhost]', '[127.0.0.1]', '[]']) assert.equal(parseUrlHost(text), null, text);
});
