/** Generates streams of requests: mostly valid ones, with tricks in their framing and mutations of their bytes. Text is latin1. */
import type { Rng } from '../../../src/base/core/rng.ts';
import { mutate } from './mutate.ts';
import { chance, pick } from './pick.ts';
import { CHUNK_END_TRICKS, CHUNK_SIZE_TRICKS, CONTENT_LENGTH_TRICKS, LAST_CHUNK_TRICKS, TRANSFER_ENCODING_TRICKS } from './tricks.ts';

const METHODS = ['GET', 'POST', 'POST', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'REPORT'];
const ODD_METHODS = ['CONNECT', 'TRACE', 'get', 'POS T', '', 'M-SEARCH', 'PO\x00ST', 'G\xc9T', 'POST,'];
const TARGETS = ['/', '/v1/chat/completions', '/generate?x=1&y=%20', '/a/b?c?d', '//double', '/%2e%2e/flush_cache', '/;x=y,z'];
const ODD_TARGETS = [
  '*',
  'http://example.org/',
  'http://example.org',
  'HTTP://EXAMPLE.org:8080/x?y',
  'http://example.org?x=/y',
  'https://[::1]:3001/z',
  'http://user@example.org/',
  'http://user:secret@example.org/',
  'http:///x',
  'ftp://example.org/',
  'example.org:443',
  'relative',
  '/a#b',
  '/a b',
  '/a\tb',
  '/\x00',
  '/\x7f',
  '/\xe9',
  '/"<>\\^`{|}',
  '',
];
const ODD_VERSIONS = [
  'HTTP/1.0',
  'HTTP/1.0',
  'HTTP/1.2',
  'HTTP/2.0',
  'HTTP/0.9',
  'http/1.1',
  'HTTP/1.1 ',
  ' HTTP/1.1',
  'HTTP/1.10',
  'HTTP/11',
  'HTTPS/1.1',
  '',
];
const HOSTS = ['example.org', '127.0.0.1:3001', '[::1]:80', 'a'];
const ODD_HOSTS = ['', 'a b', 'a,b', 'user@a', 'a:', 'a:b', 'a:99999', '[::1', '[zz]', 'a/b', 'a%41', 'a%4', 'h\xe9'];
const FIELDS = [
  'Accept: */*',
  'accept-encoding: gzip, deflate',
  'User-Agent: curl/8.5.0',
  'Content-Type: application/json',
  'Authorization: Bearer sk-abc',
  'X-Empty:',
  'X-Latin1: caf\xe9 \xff',
  'X-Tab: a\tb',
  'X-Padded: \t padded \t ',
  "x!#$%&'*+-.^_`|~9: y",
  'Cookie: a=b; c="d"',
  'Keep-Alive: timeout=5',
  'TE: trailers',
  'Connection: keep-alive',
  'Connection: x-foo, keep-alive',
];
const ODD_FIELDS = [
  'Connection: close',
  'Connection: foo, CLOSE',
  'Connection: Upgrade\r\nUpgrade: websocket',
  'Upgrade: h2c',
  'Expect: 100-continue',
  'Expect: 200-ok',
  'Proxy-Connection: close',
  'Name With Space: x',
  'Colonless',
  ': no name',
  ' folded',
  'X: y\r\n\tfolded',
  'X: bare\nlf',
  'X: bare\rcr',
  'X: nul\x00',
  'X: bell\x07',
  'X: del\x7f',
  'X\xe9: y',
  'X[]: y',
  'HTTP/1.1 200 OK',
  'GET / HTTP/1.1',
];
/** Bodies that would be requests if a boundary were lost. */
const BODIES = [
  '',
  'x',
  '{"text":"hello"}',
  'GET /evil HTTP/1.1\r\nHost: evil\r\n\r\n',
  '0\r\n\r\nGET /evil HTTP/1.1\r\nHost: evil\r\n\r\n',
  'abc\r\n\r\n',
  '\r\n',
];

export interface Generated {
  readonly text: string;
  /** Messages that went into the text before it was mutated. */
  readonly messages: number;
}

export function generateRequests(rng: Rng): Generated {
  const messages = 1 + (chance(rng, 40) ? 1 + rng.below(2) : 0);
  let text = chance(rng, 4) ? '\r\n'.repeat(1 + rng.below(3)) : '';
  for (let i = 0; i < messages; i += 1) {
    text += requestText(rng);
    if (chance(rng, 2)) text += pick(rng, ['\r\n', '\n', ' ', 'X', '\r']);
  }
  return { text: chance(rng, 35) ? mutate(rng, text) : text, messages };
}

function requestText(rng: Rng): string {
  const method = chance(rng, 3) ? pick(rng, ODD_METHODS) : pick(rng, METHODS);
  const target = chance(rng, 8) ? pick(rng, ODD_TARGETS) : pick(rng, TARGETS);
  const version = chance(rng, 6) ? pick(rng, ODD_VERSIONS) : 'HTTP/1.1';
  const lines = [`${method} ${target} ${version}`];
  if (!chance(rng, 2)) lines.push(`Host: ${chance(rng, 5) ? pick(rng, ODD_HOSTS) : pick(rng, HOSTS)}`);
  if (chance(rng, 2)) lines.push('Host: second');
  for (let n = rng.below(4); n > 0; n -= 1) lines.push(chance(rng, 8) ? pick(rng, ODD_FIELDS) : pick(rng, FIELDS));
  const body = framedBody(rng, lines);
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** Adds the framing fields for a body and returns the body with its framing. Serves responses as well. */
export function framedBody(rng: Rng, lines: string[]): string {
  const payload = chance(rng, 10) ? 'x'.repeat(rng.below(3000)) : pick(rng, BODIES);
  const isTricky = chance(rng, 25);
  const put = (line: string): void => void lines.splice(1 + rng.below(lines.length), 0, line);
  const length = isTricky && chance(rng, 60) ? pick(rng, CONTENT_LENGTH_TRICKS) : 'Content-Length: N';
  const coding = isTricky && chance(rng, 60) ? pick(rng, TRANSFER_ENCODING_TRICKS) : 'Transfer-Encoding: chunked';
  const kind = rng.below(100);
  if (kind < 25) return isTricky ? payload : '';
  if (kind < 55) {
    put(length.replaceAll('N', String(payload.length)));
    return payload;
  }
  const body = chunkedBody(rng, payload);
  put(coding);
  if (kind >= 93) put(length.replaceAll('N', String(chance(rng, 50) ? body.length : payload.length)));
  return body;
}

function chunkedBody(rng: Rng, payload: string): string {
  const trickPercent = chance(rng, 25) ? 40 : 0;
  const odd = (tricks: readonly string[], plain: string): string => (chance(rng, trickPercent) ? pick(rng, tricks) : plain);
  let out = '';
  for (let at = 0; at < payload.length; ) {
    const size = Math.min(payload.length - at, 1 + rng.below(40));
    const digits = chance(rng, 50) ? size.toString(16) : size.toString(16).toUpperCase();
    out += odd(CHUNK_SIZE_TRICKS, 'N\r\n').replace('N', digits) + payload.slice(at, at + size) + odd(CHUNK_END_TRICKS, '\r\n');
    at += size;
  }
  return out + odd(LAST_CHUNK_TRICKS, '0\r\n\r\n');
}
