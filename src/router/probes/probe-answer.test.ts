import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerProbe, LIVENESS_STALE_MS, type ProbeReport, READINESS_STALE_MS, STARTING } from './probe-answer.ts';

const READY: ProbeReport = { status: 200, body: '{"status":"ready"}' };

test('readiness is the last report until it is too old', () => {
  assert.deepEqual(answerProbe('GET', '/readiness', READY, READINESS_STALE_MS), { ...READY, type: 'application/json' });
  const stale = answerProbe('GET', '/readiness', READY, READINESS_STALE_MS + 1);
  assert.deepEqual(
    [stale.status, JSON.parse(stale.body)],
    [503, { status: 'not ready', reason: 'the event loop has not reported for 10 s' }],
  );
  assert.equal(answerProbe('GET', '/readiness', STARTING, 0).status, 503);
});

test('liveness and health are 200 whatever the report, until the event loop is given up', () => {
  for (const path of ['/liveness', '/health', '/health?x=1']) {
    assert.deepEqual(answerProbe('HEAD', path, STARTING, LIVENESS_STALE_MS), {
      status: 200,
      type: 'text/plain; charset=utf-8',
      body: 'OK',
    });
    assert.equal(answerProbe('GET', path, READY, LIVENESS_STALE_MS + 1).status, 503);
  }
});

test('nothing else is answered', () => {
  assert.equal(answerProbe('GET', '/workers', READY, 0).status, 404);
  assert.equal(answerProbe('POST', '/health', READY, 0).status, 405);
});
