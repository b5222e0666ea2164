import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Logger, SILENT_LOGGER } from '../../base/core/logger.ts';
import { Counter } from '../../base/telemetry/cells.ts';
import { AccessLog, type AccessRecord, CALM_SECONDS, FAILURES_PER_SECOND, PAUSE_ABOVE_RPS, RESUME_BELOW_RPS } from './access-record.ts';

interface Line {
  readonly fields: object;
  readonly message: string;
}

function newRig(mode: 'auto' | 'on' | 'off') {
  const lines: Line[] = [];
  const logger: Logger = { ...SILENT_LOGGER, info: (fields, message) => lines.push({ fields, message }) };
  const skipped = new Counter();
  const log = new AccessLog(mode, logger, skipped);
  /** Asks for `count` requests at the moment `nowMs`; how many records were wanted. */
  const ask = (count: number, nowMs: number, isFailure = false): number => {
    let wanted = 0;
    for (let i = 0; i < count; i++) if (log.wants(nowMs, isFailure)) wanted++;
    return wanted;
  };
  return { log, lines, skipped, ask };
}

const RECORD: AccessRecord = {
  requestId: 'chatcmpl-1',
  method: 'POST',
  path: '/v1/chat/completions',
  status: 200,
  worker: 'http://10.0.0.1:30000',
  model: 'llama',
  durationMs: 12.345678,
  ttftMs: 3.001,
  bytesIn: 100,
  bytesOut: 2000,
  outcome: 'ok',
  streamedBody: false,
};

test('a record says who asked what of whom and how it ended', () => {
  const { log, lines } = newRig('on');
  log.write(RECORD);
  log.write({ ...RECORD, worker: null, model: null, ttftMs: null, status: 503, outcome: 'no_workers' });
  assert.deepEqual(lines[0], {
    fields: {
      request_id: 'chatcmpl-1',
      method: 'POST',
      path: '/v1/chat/completions',
      status: 200,
      worker: 'http://10.0.0.1:30000',
      model: 'llama',
      duration_ms: 12.35,
      ttft_ms: 3,
      bytes_in: 100,
      bytes_out: 2000,
      outcome: 'ok',
      streamed_body: false,
    },
    message: 'request',
  });
  assert.equal((lines[1]!.fields as { worker: unknown }).worker, null);
});

test('a record of a pair names both workers', () => {
  const { log, lines } = newRig('on');
  log.write({ ...RECORD, prefillWorker: 'http://10.0.0.2:30000' });
  const { worker, prefill_worker } = lines[0]!.fields as Record<string, unknown>;
  assert.deepEqual([worker, prefill_worker], ['http://10.0.0.1:30000', 'http://10.0.0.2:30000']);
});

test('long paths and models are cut off', () => {
  const { log, lines } = newRig('on');
  log.write({ ...RECORD, path: `/${'a'.repeat(16_000)}`, model: 'm'.repeat(10_000) });
  assert.ok(JSON.stringify(lines[0]).length < 1000);
});

test('on writes always, off never, and what is not written is counted', () => {
  assert.equal(newRig('on').ask(100_000, 0), 100_000);
  const off = newRig('off');
  assert.equal(off.ask(500, 0, true), 0);
  assert.equal(off.skipped.value, 500);
});

test('auto writes all up to the limit in each second', () => {
  const { ask, lines } = newRig('auto');
  for (let second = 0; second < 5; second++) assert.equal(ask(PAUSE_ABOVE_RPS, second * 1000), PAUSE_ABOVE_RPS);
  assert.deepEqual(lines, []);
});

test('auto pauses above the limit and says so once', () => {
  const { ask, lines, skipped } = newRig('auto');
  assert.equal(ask(PAUSE_ABOVE_RPS * 3, 0), PAUSE_ABOVE_RPS);
  assert.equal(skipped.value, PAUSE_ABOVE_RPS * 2);
  for (let second = 1; second < 60; second++) assert.equal(ask(PAUSE_ABOVE_RPS * 2, second * 1000), 0);
  assert.equal(lines.length, 1);
  assert.match(lines[0]!.message, /paused/);
});

test('auto goes on writing a few failures per second while paused', () => {
  const { ask } = newRig('auto');
  ask(PAUSE_ABOVE_RPS + 1, 0);
  assert.equal(ask(100, 0, true), FAILURES_PER_SECOND);
  assert.equal(ask(100, 1000, true), FAILURES_PER_SECOND);
});

test('auto resumes after calm seconds in a row, not before', () => {
  const { ask, lines } = newRig('auto');
  ask(PAUSE_ABOVE_RPS + 1, 0);
  for (let second = 1; second < CALM_SECONDS; second++) assert.equal(ask(RESUME_BELOW_RPS, second * 1000), 0);
  // One busy second starts the count again.
  assert.equal(ask(RESUME_BELOW_RPS + 1, CALM_SECONDS * 1000), 0);
  for (let i = 1; i <= CALM_SECONDS; i++) assert.equal(ask(RESUME_BELOW_RPS, (CALM_SECONDS + i) * 1000), 0);
  assert.equal(ask(10, (CALM_SECONDS * 2 + 1) * 1000), 10);
  assert.deepEqual(
    lines.map(({ message }) => /paused|resumed$/.exec(message)?.[0]),
    ['paused', 'resumed'],
  );
});

test('auto resumes after silence', () => {
  const { ask } = newRig('auto');
  ask(PAUSE_ABOVE_RPS + 1, 0);
  assert.equal(ask(1, 600_000), 1);
});
