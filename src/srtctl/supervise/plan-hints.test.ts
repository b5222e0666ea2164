import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { planned, planOf } from '../../../test/support/small-plan.ts';
import type { PlannedProcess } from '../plan/plan.ts';
import { findContradictions } from './plan-hints.ts';

const prefill = (more: Partial<PlannedProcess> = {}): PlannedProcess =>
  planned('prefill-0', {
    ports: { http: 30_000, bootstrap: 30_001 },
    argv: ['engine', '--disaggregation-bootstrap-port', '30001', '--disaggregation-transfer-backend', 'nixl'],
    ready: { kind: 'worker', url: 'http://<node0>:30000', model: 'm' },
    ...more,
  });
const router = (port: string): PlannedProcess =>
  planned('router-0', { argv: ['router', '--prefill', 'http://<node0>:30000/', port, '--decode', 'x'] });
const decode = (backend: string): PlannedProcess =>
  planned('decode-0', { argv: ['engine', `--disaggregation-transfer-backend=${backend}`] });

describe('contradictions of a plan', () => {
  test('are none where all agree', () => {
    assert.deepEqual(findContradictions(planOf([prefill(), decode('nixl'), router('30001')])), []);
    assert.deepEqual(findContradictions(planOf([prefill(), router('none')])), []);
  });

  test('name a router that is told another bootstrap port', () => {
    assert.deepEqual(findContradictions(planOf([prefill(), router('30009')])), [
      'Bootstrap mismatch: router-0 is told port 30009 for prefill-0, which listens on 30001.',
    ]);
  });

  test('name a worker that is started with another bootstrap port', () => {
    const [sentence] = findContradictions(planOf([prefill({ ports: { http: 30_000, bootstrap: 30_005 } }), router('30005')]));
    assert.equal(
      sentence,
      'Bootstrap mismatch: prefill-0 is started with --disaggregation-bootstrap-port 30001, and the routers use 30005.',
    );
  });

  test('name transfer backends that differ', () => {
    assert.deepEqual(findContradictions(planOf([prefill(), decode('mooncake')])), [
      'Transfer backends differ: prefill-0 uses nixl, decode-0 uses mooncake.',
    ]);
  });
});
