import assert from 'node:assert/strict';
import { isIPv6 } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { isValidAuthority } from './authority.ts';

const VALID = [
  'a',
  'example.org',
  'a_b-c~d',
  'a:80',
  'a:',
  'a:0',
  'a:65535',
  '127.0.0.1:3001',
  'a%41b',
  "!$&'()*+,;=",
  '[::]',
  '[::1]:80',
  '[1:2:3:4:5:6:7:8]',
];
const INVALID = [
  '',
  ':',
  ':80',
  'a:65536',
  'a:000080',
  'a:8a',
  'a:-1',
  'a:1:2',
  'a b',
  'u@a',
  'a/b',
  'a?b',
  'a#b',
  'a%',
  'a%4',
  'a%zz',
  '\xe9',
  '[',
  '[]',
  '[::1',
  '::1',
  '[::1]80',
  '[::1]x',
  '[fe80::1%eth0]',
  '[v1.x]',
  '[1.2.3.4]',
  '[:::]',
  '[1::2::3]',
];

test('takes a host with an optional port', () => {
  for (const text of VALID) assert.equal(isValidAuthority(text), true, text);
});

test('refuses everything else', () => {
  for (const text of INVALID) assert.equal(isValidAuthority(text), false, JSON.stringify(text));
});

test('agrees with node:net about what an IPv6 address is', () => {
  const group = fc.constantFrom('', '0', '1', 'abcd', 'ABCD', '12345', 'g', '1.2.3.4', '1.2.3.256', '01.2.3.4');
  const text = fc.array(group, { minLength: 1, maxLength: 9 }).map((groups) => groups.join(':'));
  let valid = 0;
  const check = (address: string): void => {
    const expected = isIPv6(address);
    if (expected) valid += 1;
    assert.equal(isValidAuthority(`[${address}]`), expected, address);
  };
  fc.assert(fc.property(fc.oneof(text, fc.ipV6()), check), { numRuns: 2000 });
  assert.ok(valid > 100);
});
