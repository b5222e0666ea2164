/** Walking chunked bodies: one event per read as a stream of tokens comes, many events per read, and large chunks in pieces. */
import { ChunkedFramer } from '../../src/wire/http1/chunked-framer.ts';
import type { Case } from './case.ts';

const OPS = 500;
const EVENT = 'data: {"text":"hello","meta_info":{"id":"0123456789abcdef","completion_tokens":17}}\n\n';

const chunk = (payload: string): string => `${payload.length.toString(16)}\r\n${payload}\r\n`;

/** Feeds the same read again and again; it must begin and end at a chunk boundary. */
function wholeChunksCase(name: string, text: string, payloadBytes: number): Case {
  const read = Buffer.from(text, 'latin1');
  const framer = new ChunkedFramer();
  return {
    name,
    ops: OPS,
    bytesPerOp: read.length,
    run() {
      for (let i = 0; i < OPS; i++) {
        const end = framer.feed(read, 0, read.length);
        if (end !== read.length || !framer.wholeChunks || framer.payloadBytes !== payloadBytes) throw new Error('not whole chunks');
      }
    },
  };
}

/** One body of one chunk in reads of 64 KiB. */
function largeChunkCase(): Case {
  const bytes = 1 << 20;
  const readBytes = 65536;
  const body = Buffer.from(`${chunk('x'.repeat(bytes))}0\r\n\r\n`, 'latin1');
  const framer = new ChunkedFramer();
  return {
    name: 'a chunk of 1 MiB in reads of 64 KiB, per read',
    ops: Math.ceil(body.length / readBytes),
    bytesPerOp: readBytes,
    run() {
      framer.reset();
      let payloadBytes = 0;
      for (let at = 0; at < body.length; ) {
        at = framer.feed(body, at, Math.min(body.length, at + readBytes));
        payloadBytes += framer.payloadBytes;
      }
      if (!framer.done || payloadBytes !== bytes) throw new Error(`${payloadBytes} bytes`);
    },
  };
}

export function cases(): readonly Case[] {
  return [
    wholeChunksCase('one small chunk per read (0x1f bytes)', chunk('x'.repeat(31)), 31),
    wholeChunksCase(`one event per read (${EVENT.length} bytes)`, chunk(EVENT), EVENT.length),
    wholeChunksCase('20 events per read', chunk(EVENT).repeat(20), 20 * EVENT.length),
    largeChunkCase(),
  ];
}
