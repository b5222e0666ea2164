/** Generates answers of a worker, from one status line to the close of the connection. Text is latin1. */
import type { Rng } from '../../../src/base/core/rng.ts';
import { framedBody } from './generate-requests.ts';
import { mutate } from './mutate.ts';
import { chance, pick } from './pick.ts';

const STATUS_LINES = [
  '200 OK',
  '200 OK',
  '200 OK',
  '201 Created',
  '204 No Content',
  '304 Not Modified',
  '400 Bad Request',
  '503 Service Unavailable',
];
const ODD_STATUS_LINES = [
  '200',
  '200 ',
  '200  two spaces',
  '200 caf\xe9',
  '200 tab\there',
  '299 Unknown',
  '599 Edge',
  '600 Beyond',
  '099 Below',
  '101 Switching Protocols',
  '20 Short',
  '2000 Long',
  '2x0 Letter',
  ' 200 OK',
  '200\tOK',
  '+20 Sign',
  '',
];
const INTERIM = [
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n',
  'HTTP/1.1 102 Processing\r\n\r\n',
];
const FIELDS = [
  'date: Mon, 01 Jan 2035 00:00:00 GMT',
  'server: uvicorn',
  'content-type: application/json',
  'Content-Type: text/event-stream; charset=utf-8',
  'Set-Cookie: a=b\r\nSet-Cookie: c=d',
  'Connection: keep-alive',
  'Keep-Alive: timeout=5, max=100',
  'X-Empty:',
  'X-Latin1: caf\xe9',
  'Cache-Control: no-cache',
];
const ODD_FIELDS = [
  'Connection: close',
  'Upgrade: h2c',
  'X Y: z',
  'X : y',
  ' folded',
  'X: y\r\n folded',
  'X: bare\nlf',
  'X: bare\rcr',
  'X: \x00',
  ': no name',
  'Colonless',
];

export interface GeneratedResponse {
  readonly text: string;
  /** Of the request that it answers. */
  readonly method: string;
}

export function generateResponse(rng: Rng): GeneratedResponse {
  const method = chance(rng, 10) ? 'HEAD' : pick(rng, ['GET', 'POST']);
  let text = chance(rng, 8) ? pick(rng, INTERIM).repeat(1 + rng.below(2)) : '';
  const version = chance(rng, 6)
    ? pick(rng, ['HTTP/1.0', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/1.2', 'http/1.1', 'HTTP/1.1 ', 'ICY', 'HTTP/11'])
    : 'HTTP/1.1';
  const lines = [`${version} ${chance(rng, 8) ? pick(rng, ODD_STATUS_LINES) : pick(rng, STATUS_LINES)}`];
  for (let n = rng.below(4); n > 0; n -= 1) lines.push(chance(rng, 8) ? pick(rng, ODD_FIELDS) : pick(rng, FIELDS));
  const body = framedBody(rng, lines);
  text += `${lines.join('\r\n')}\r\n\r\n${body}`;
  if (chance(rng, 3)) text += pick(rng, ['\r\n', 'X', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n']);
  return { text: chance(rng, 35) ? mutate(rng, text) : text, method };
}
