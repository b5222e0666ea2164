import assert from 'node:assert/strict';
import test from 'node:test';
import { isPoll, printable } from './printable.ts';

for (const [given, shown] of [
  ['\u001b[31mred\u001b[0m', 'red'],
  ['\u001b]0;title\u0007', '\\x1b]0;title\\x07'],
  ['\u001b[2J\u001b[1;1H', '\\x1b[2J\\x1b[1;1H'],
  ['a\u0000b\tc\rd', 'a\\x00b\tc\\x0dd'],
  ['\u009b31m, \u2028', '\\x9b31m, \\u2028'],
  ['Grüße 😀', 'Grüße 😀'],
] as const)
  test(`${JSON.stringify(given)} is shown as ${shown}`, () => assert.equal(printable(given), shown));

test('polls of srtctl are no last words, requests of others and refused polls are', () => {
  for (const line of [
    'INFO:     127.0.0.1:3412 - "GET /health HTTP/1.1" 200 OK',
    '[2026-01-01 10:00:00] 10.0.0.1:1 - "GET /v1/models HTTP/1.1" 200 OK',
    '{"level":30,"msg":"request","method":"GET","path":"/workers","status":200}',
  ])
    assert.ok(isPoll(line), line);
  for (const line of [
    'INFO:     127.0.0.1:3412 - "GET /health HTTP/1.1" 503 Service Unavailable',
    'INFO:     127.0.0.1:3412 - "POST /v1/completions HTTP/1.1" 200 OK',
    'INFO:     127.0.0.1:3412 - "GET /health_generate HTTP/1.1" 200 OK',
    'watching /health of the others',
  ])
    assert.ok(!isPoll(line), line);
});
