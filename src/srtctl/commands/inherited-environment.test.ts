import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planned, planOf } from '../../../test/support/small-plan.ts';
import { inheritedEnvironment } from './inherited-environment.ts';

const ENV = { PATH: '/bin', ETCD_NAME: 'x', NATS_SERVER: 'y', DYN_NAMESPACE: 'z', DYN_LOG: 'debug', DYN_LOGGING_JSONL: '1', DYNAMITE: '1' };

test('variables that steer Dynamo and etcd are not inherited, those of its log are', () => {
  assert.deepEqual(inheritedEnvironment(planOf([planned('etcd')]), ENV), {
    PATH: '/bin',
    DYN_LOG: 'debug',
    DYN_LOGGING_JSONL: '1',
    DYNAMITE: '1',
  });
});

test('without etcd everything is inherited', () => {
  assert.deepEqual(inheritedEnvironment(planOf([planned('router-0')]), ENV), ENV);
});
