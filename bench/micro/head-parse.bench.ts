/** Finding and parsing the head of a request and of an answer, and writing the head of the request to the worker. */
import { findHeadEnd } from '../../src/wire/http1/head-end.ts';
import { parseRequestHead, RequestHead } from '../../src/wire/http1/request-head.ts';
import { parseResponseHead, ResponseHead } from '../../src/wire/http1/response-head.ts';
import { requestHeadText } from '../../src/wire/http1/write-head.ts';
import type { Case } from './case.ts';
import { REQUEST_HEAD, RESPONSE_HEAD } from './message-heads.ts';

const OPS = 200;

function headEndCase(name: string, head: Buffer): Case {
  return {
    name: `find the end of ${name}, ${head.length} bytes`,
    ops: OPS,
    bytesPerOp: head.length,
    run() {
      let sum = 0;
      for (let i = 0; i < OPS; i++) sum += findHeadEnd(head, 0, 0, head.length);
      if (sum !== OPS * head.length) throw new Error(`end at ${sum / OPS}`);
    },
  };
}

export function cases(): readonly Case[] {
  const fields = parseRequestHead(REQUEST_HEAD, 0, REQUEST_HEAD.length);
  if (!(fields instanceof RequestHead)) throw new Error(fields.message);
  return [
    headEndCase('a request head', REQUEST_HEAD),
    headEndCase('a response head', RESPONSE_HEAD),
    {
      name: `parse a request head, ${fields.fields.length / 2} fields`,
      ops: OPS,
      bytesPerOp: REQUEST_HEAD.length,
      run() {
        for (let i = 0; i < OPS; i++) {
          const head = parseRequestHead(REQUEST_HEAD, 0, REQUEST_HEAD.length);
          if (!(head instanceof RequestHead) || head.contentLength !== 1536) throw new Error('not the request');
        }
      },
    },
    {
      name: 'parse a response head, 5 fields',
      ops: OPS,
      bytesPerOp: RESPONSE_HEAD.length,
      run() {
        for (let i = 0; i < OPS; i++) {
          const head = parseResponseHead(RESPONSE_HEAD, 0, RESPONSE_HEAD.length, 'POST');
          if (!(head instanceof ResponseHead) || !head.chunked) throw new Error('not the response');
        }
      },
    },
    {
      name: `write a request head, ${fields.fields.length / 2} fields`,
      ops: OPS,
      run() {
        for (let i = 0; i < OPS; i++) {
          const text = requestHeadText(fields.method, fields.target, fields.authority, fields.fields);
          if (Buffer.byteLength(text, 'latin1') < REQUEST_HEAD.length) throw new Error('too short');
        }
      },
    },
  ];
}
