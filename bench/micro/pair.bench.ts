/** What a prefill-decode pair costs before its two legs are sent, part by part, and what a merge of logprobs costs. */

import type { Worker } from '../../src/base/core/worker.ts';
import { createRng } from '../../src/base/runtime/rng.ts';
import { isRefusal, ShapeReader } from '../../src/router/pair/batch-shape.ts';
import { planSplice, splicedBytes, writeSpliced } from '../../src/router/pair/body-splice.ts';
import { BOOTSTRAP_MEMBERS, BootstrapFields } from '../../src/router/pair/bootstrap-fields.ts';
import { PairLedger } from '../../src/router/pair/ledger.ts';
import { ListFinder } from '../../src/router/pair/logprob-lists.ts';
import { LogprobMerge } from '../../src/router/pair/logprob-merge.ts';
import { PAIR_FIELDS } from '../../src/router/pair/pair-fields.ts';
import { PromptLogprobs } from '../../src/router/pair/prompt-logprobs.ts';
import { RoomSource } from '../../src/router/pair/room.ts';
import { MemberRecord } from '../../src/wire/json/member-record.ts';
import { CHAT_PROMPT } from '../../src/wire/json/prompt-fields.ts';
import { RequestScan } from '../../src/wire/json/scan-request.ts';
import type { Case } from './case.ts';
import { chatBody } from './chat-bodies.ts';

const SIZES = [1_500, 60_000, 500_000];
const WORKER = { url: 'http://w' } as Worker; // the ledger only keeps it
const FIELDS = new BootstrapFields('10.0.0.1', 8998);

const scan = new RequestScan();
const record = new MemberRecord(PAIR_FIELDS);
const shapes = new ShapeReader();
const opsFor = (bytes: number) => Math.max(1, Math.round(200_000 / bytes));

function scanCases(body: Buffer, size: string): Case[] {
  const ops = opsFor(body.length);
  const scanned = (name: string, of: MemberRecord | null): Case => ({
    name: `scan ${size} ${name}`,
    ops,
    bytesPerOp: body.length,
    run() {
      for (let i = 0; i < ops; i++) scan.scan(body, 0, body.length, CHAT_PROMPT, of);
      if (scan.status !== 'ok') throw new Error(scan.status);
    },
  });
  return [scanned('alone', null), scanned('with members', record)];
}

function spliceCase(name: string, body: Buffer): Case {
  const ops = opsFor(body.length);
  const target = Buffer.alloc(body.length + 1024);
  const rooms = new RoomSource(createRng(1));
  scan.scan(body, 0, body.length, CHAT_PROMPT, record);
  return {
    name: `shape, room, splice ${name}`,
    ops,
    bytesPerOp: body.length,
    run() {
      for (let i = 0; i < ops; i++) {
        if (isRefusal(shapes.read('chat', body, record))) throw new Error('refused');
        const room = rooms.draw();
        const members = FIELDS.single(room);
        const splice = planSplice(record, 0, body.length, BOOTSTRAP_MEMBERS);
        const bytes = splicedBytes(splice, members);
        if (writeSpliced(splice, body, members, target, 0) !== bytes) throw new Error('wrong length');
        rooms.giveBack(room);
      }
    },
  };
}

function ledgerCase(live: number): Case {
  const ledger = new PairLedger(new RoomSource(createRng(2)), live + 10);
  for (let i = 0; i < live; i++) ledger.open(1, WORKER, WORKER, 0);
  const ops = 200;
  return {
    name: `ledger, open and close beside ${live} live pairs`,
    ops,
    run() {
      for (let i = 0; i < ops; i++) {
        const pair = ledger.open(1, WORKER, WORKER, i);
        if (pair === null || !ledger.close(pair)) throw new Error('full');
      }
    },
  };
}

/** A /generate event as SGLang writes it, of so many tokens of prompt and output. */
function generateEvent(promptTokens: number, outputTokens: number): Buffer {
  const list = (count: number) => Array.from({ length: count }, (_, i) => `[-0.${1000 + i},${i * 7},null]`).join(',');
  const ids = Array.from({ length: outputTokens }, (_, i) => i * 7).join(',');
  const meta = `"id":"r","finish_reason":null,"prompt_tokens":${promptTokens},"input_token_logprobs":[${list(promptTokens)}],"output_token_logprobs":[${list(outputTokens)}]`;
  return Buffer.from(`data: {"text":"${'word '.repeat(outputTokens)}","output_ids":[${ids}],"meta_info":{${meta}}}\n\n`);
}

function mergeCase(promptTokens: number, outputTokens: number): Case {
  const finder = new ListFinder();
  const event = generateEvent(0, outputTokens);
  const prefill = generateEvent(promptTokens, 1);
  const prompts = new PromptLogprobs(finder, { format: 'generate', prompts: 1, isBatch: false, wantsExperts: false }, true, 1 << 24);
  prompts.push(prefill, 0, prefill.length);
  let bytes = 0;
  const sink = {
    onBytes(_buf: Buffer, start: number, end: number): void {
      bytes += end - start;
    },
  };
  const merge = new LogprobMerge(finder, prompts, true, 1 << 24, sink);
  const ops = 50;
  return {
    name: `merge an event, ${promptTokens} tokens of prompt, ${outputTokens} of output`,
    ops,
    bytesPerOp: event.length,
    run() {
      bytes = 0;
      for (let i = 0; i < ops; i++) merge.push(event, 0, event.length);
      if (bytes <= ops * event.length) throw new Error('nothing was merged');
    },
  };
}

export function cases(): readonly Case[] {
  const list: Case[] = [];
  for (const bytes of SIZES) {
    const size = `${bytes / 1000} KB`;
    const body = chatBody('mixed', bytes);
    list.push(...scanCases(body, size), spliceCase(size, body));
  }
  const own = chatBody('mixed', 1_500)
    .toString('latin1')
    .replace('"temperature"', '"bootstrap_room":1,"bootstrap_roo\\u006d":2,"temperature"');
  list.push(spliceCase("1.5 KB with the client's own rooms", Buffer.from(own, 'latin1')));
  list.push(ledgerCase(0), ledgerCase(10_000), mergeCase(20, 8), mergeCase(1000, 8), mergeCase(1000, 500));
  return list;
}
