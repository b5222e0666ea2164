/** The request scan on chat bodies of 1.5, 60 and 500 KB, beside JSON.parse, and on a list of token ids. */
import { CHAT_PROMPT, GENERATE_PROMPT, type PromptFields } from '../../src/wire/json/prompt-fields.ts';
import { RequestScan } from '../../src/wire/json/scan-request.ts';
import type { Case } from './case.ts';
import { chatBody, TEXTS, type TextKind } from './chat-bodies.ts';

const SIZES = [1_500, 60_000, 500_000];

function scanCase(name: string, body: Buffer, fields: PromptFields): Case {
  const scan = new RequestScan();
  const ops = Math.max(1, Math.round(200_000 / body.length));
  return {
    name: `scan ${name}`,
    ops,
    bytesPerOp: body.length,
    run() {
      for (let i = 0; i < ops; i++) scan.scan(body, 0, body.length, fields);
      if (scan.status !== 'ok' || scan.rangeCount !== 1) throw new Error(`${name}: ${scan.status}, ${scan.rangeCount} ranges`);
    },
  };
}

function parseCase(name: string, body: Buffer): Case {
  const ops = Math.max(1, Math.round(200_000 / body.length));
  let found = 0;
  return {
    name: `JSON.parse ${name}`,
    ops,
    bytesPerOp: body.length,
    run() {
      for (let i = 0; i < ops; i++) found = JSON.parse(body.toString('utf8')).messages.length;
      if (found === 0) throw new Error(`${name}: no messages`);
    },
  };
}

export function cases(): readonly Case[] {
  const list: Case[] = [];
  for (const bytes of SIZES) {
    for (const kind of Object.keys(TEXTS) as TextKind[])
      list.push(scanCase(`${bytes / 1000} KB ${kind}`, chatBody(kind, bytes), CHAT_PROMPT));
    list.push(parseCase(`${bytes / 1000} KB prose`, chatBody('prose', bytes)));
  }
  const ids = Array.from({ length: 8192 }, (_, i) => (i * 7919) % 128_000);
  const body = Buffer.from(JSON.stringify({ input_ids: ids, sampling_params: { max_new_tokens: 16 }, stream: false }));
  list.push(scanCase('8,192 token ids', body, GENERATE_PROMPT));
  return list;
}
