import assert from 'node:assert/strict';
import test from 'node:test';
import { factsOf } from './server-facts.ts';

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

test('inherited names are no facts', () => {
  assert.deepEqual(factsOf(Object.create({ version: 'x' }) as object, null).metadata, {});
});
