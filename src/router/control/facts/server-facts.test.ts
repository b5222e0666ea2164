import assert from 'node:assert/strict';
import test from 'node:test';
import type { WorkerType } from '../../../base/core/worker.ts';
import { DEFAULT_OPTIONS } from '../registry/worker-options.ts';
import { factsOf, findMisfit } from './server-facts.ts';

test('the model is the served name, else the last segment of the path, else not known', () => {
  assert.equal(factsOf({ served_model_name: 'llama', model_path: '/m/x' }, null).modelId, 'llama');
  assert.equal(factsOf(null, { model_path: '/models/org/Llama-3/' }).modelId, 'Llama-3');
  assert.equal(factsOf({ served_model_name: null, model_path: 'org/x' }, null).modelId, 'x');
  assert.equal(factsOf({}, {}).modelId, null);
  assert.equal(factsOf({ model_path: '///' }, null).modelId, null);
});

test('only short known facts are kept, as text', () => {
  const facts = factsOf(
    { tp_size: 2, version: '0.5', api_key: 'secret', model_type: ['x'], weight_version: 'v'.repeat(513) },
    { model_type: 'llama' },
  );
  assert.deepEqual(facts.metadata, { model_type: 'llama', version: '0.5', tp_size: '2' });
});

test('only a whole number of ranks that an engine can have is taken', () => {
  for (const nonsense of [0, -1, 1.5, 1025, 'two', 99999, '', null, [2]])
    assert.equal(factsOf({ dp_size: nonsense }, null).dpSize, null, `${nonsense}`);
  for (const size of [1, 8, 1024]) assert.equal(factsOf({ dp_size: size }, null).dpSize, size);
});

test('the number of requests that run at once is that of all schedulers, else what the engine was started with', () => {
  const running = (server: object): number | null => factsOf(server, null).maxRunningRequests;
  const states = (...counts: unknown[]) => ({ internal_states: counts.map((count) => ({ effective_max_running_requests_per_dp: count })) });
  assert.equal(running({ ...states(48, 48), max_running_requests: 100 }), 96);
  assert.equal(running({ ...states(48, null), max_running_requests: 100 }), 100);
  assert.equal(running({ internal_states: [], max_running_requests: 7 }), 7);
  for (const nonsense of [null, 0, -1, 1.5, '8', [8]]) assert.equal(running({ max_running_requests: nonsense }), null, `${nonsense}`);
});

test('a worker that differs from what it was registered as is reported; one that fits or reports nothing is not', () => {
  const says = (server: object) => factsOf(server, null);
  const as = (type: WorkerType, bootstrapPort: number | null = null) => ({ ...DEFAULT_OPTIONS, type, bootstrapPort });
  const prefill = says({ disaggregation_mode: 'prefill', disaggregation_bootstrap_port: 8998 });
  assert.equal(findMisfit(as('prefill', 8998), prefill), null);
  assert.equal(findMisfit(as('prefill'), prefill), null);
  assert.equal(findMisfit(as('prefill', 8998), says({ disaggregation_mode: 'prefill', disaggregation_bootstrap_port: 0 })), null);
  assert.equal(findMisfit(as('prefill', 8999), prefill), 'registered with the bootstrap port 8999, but it says 8998');
  assert.equal(findMisfit(as('decode'), prefill), 'registered as decode, but it is a prefill worker');
  assert.equal(findMisfit(as('regular'), prefill), 'registered as regular, but it is a prefill worker');
  const regular = says({ disaggregation_mode: 'null', disaggregation_bootstrap_port: 8998 });
  assert.deepEqual(regular.metadata, { disaggregation_mode: 'null' });
  assert.equal(findMisfit(as('regular'), regular), null);
  assert.equal(findMisfit(as('prefill', 1), regular), 'registered as prefill, but it is a regular worker');
  assert.equal(findMisfit(as('prefill', 1), says({ version: '0.4' })), null);
});

test('inherited properties are not read', () => {
  assert.deepEqual(factsOf(Object.create({ version: 'x' }) as object, null).metadata, {});
});
