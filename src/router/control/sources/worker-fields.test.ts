import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { DEFAULT_OPTIONS } from '../registry/worker-options.ts';
import { parseAddWorker, parseUpdateWorker } from './worker-fields.ts';

const DEFAULTS = { ...DEFAULT_OPTIONS, apiKey: 'shared' };
const parse = (value: unknown, isPaired = false, isDpAware = false) =>
  parseAddWorker(Buffer.from(JSON.stringify(value)), DEFAULTS, { isPaired, isDpAware });

function problemsOf(value: unknown, isPaired = false): string[] {
  const parsed = parse(value, isPaired);
  return parsed.ok ? [] : parsed.problems.map((problem) => `${problem.field}${problem.isInvalid ? '' : ' (not yet)'}`);
}

test('a URL alone is enough, and defaults hold for the rest', () => {
  const parsed = parse({ url: 'http://a:1/' });
  assert.ok(parsed.ok);
  assert.equal(parsed.value.address.url, 'http://a:1');
  assert.deepEqual(parsed.value.options, DEFAULTS);
});

test('what a worker can be given is kept', () => {
  const parsed = parse({
    url: 'http://a:1',
    api_key: 'k',
    model_id: 'm',
    priority: 7,
    cost: 0.5,
    labels: { zone: 'a' },
    worker_type: 'regular',
    runtime: 'sglang',
    dp_aware: false,
    disable_health_check: true,
    health_check_timeout_secs: 3,
    health_check_interval_secs: 30,
    health_success_threshold: 1,
    health_failure_threshold: 5,
    bootstrap_port: null,
  });
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.value.options, {
    type: 'regular',
    apiKey: 'k',
    modelId: 'm',
    priority: 7,
    cost: 0.5,
    bootstrapPort: null,
    labels: { zone: 'a' },
    health: { isChecked: false, timeoutMs: 3000, intervalMs: 30_000, successThreshold: 1, failureThreshold: 5 },
  });
});

test('all problems are reported at once', () => {
  assert.deepEqual(problemsOf({ url: 'ftp://a', priority: 1.5, cost: 0, labels: { a: 1 }, model_id: '', api_key: 'a b', colour: 1 }), [
    'url',
    'api_key',
    'priority',
    'cost',
    'labels',
    'model_id',
    'colour',
  ]);
});

test('what the router cannot do yet is refused and not ignored', () => {
  assert.deepEqual(
    problemsOf({
      url: 'http://a:1',
      runtime: 'vllm',
      chat_template: 'x',
    }),
    ['runtime (not yet)', 'chat_template (not yet)'],
  );
});

test('dp_aware must match the router, or be false or absent', () => {
  const url = 'http://a:1';
  assert.deepEqual(problemsOf({ url, dp_aware: true }), ['dp_aware']);
  for (const dp_aware of [false, null]) assert.deepEqual(problemsOf({ url, dp_aware }), []);
  for (const dp_aware of [true, false, null]) assert.ok(parse({ url, dp_aware }, false, true).ok);
  assert.ok(!parse({ url, dp_aware: 1 }, false, true).ok);
});

test('the type of a worker must fit the mode of the router', () => {
  const url = 'http://a:1';
  for (const worker_type of ['both', 'prefill', 'decode', 1]) assert.deepEqual(problemsOf({ url, worker_type }), ['worker_type']);
  for (const worker_type of ['both', 'regular', null, undefined]) assert.deepEqual(problemsOf({ url, worker_type }, true), ['worker_type']);
});

test('a prefill worker may have a bootstrap port, a decode worker none', () => {
  const url = 'http://a:1';
  const optionsOf = (value: object) => {
    const parsed = parse({ url, ...value }, true);
    assert.ok(parsed.ok, JSON.stringify(parsed));
    return [parsed.value.options.type, parsed.value.options.bootstrapPort];
  };
  assert.deepEqual(optionsOf({ worker_type: 'prefill', bootstrap_port: 8998 }), ['prefill', 8998]);
  assert.deepEqual(optionsOf({ worker_type: 'prefill', bootstrap_port: null }), ['prefill', null]);
  assert.deepEqual(optionsOf({ worker_type: 'decode' }), ['decode', null]);
  assert.deepEqual(problemsOf({ url, worker_type: 'decode', bootstrap_port: 8998 }, true), ['bootstrap_port']);
  assert.deepEqual(problemsOf({ url, bootstrap_port: 8998 }), ['bootstrap_port']);
  for (const bootstrap_port of [0, 65_536, '8998', 1.5]) {
    assert.deepEqual(problemsOf({ url, worker_type: 'prefill', bootstrap_port }, true), ['bootstrap_port']);
  }
});

test('a key is never shown', () => {
  const parsed = parse({ url: 'http://a:1', api_key: 'my secret' });
  assert.ok(!parsed.ok);
  assert.doesNotMatch(JSON.stringify(parsed.problems), /my secret/);
});

test('a body that is no JSON object is one problem', () => {
  for (const body of ['', '[]', 'null', '{', '"x"']) {
    const parsed = parseAddWorker(Buffer.from(body), DEFAULTS, { isPaired: false, isDpAware: false });
    assert.ok(!parsed.ok);
    assert.deepEqual(
      parsed.problems.map((problem) => problem.field),
      ['body'],
    );
  }
});

test('an update changes what it names, null takes the key away, and the address cannot change', () => {
  const update = (value: unknown) => parseUpdateWorker(Buffer.from(JSON.stringify(value)), { ...DEFAULTS, modelId: 'm', cost: 3 });
  const changed = update({ priority: 1, api_key: null });
  assert.ok(changed.ok);
  assert.deepEqual(changed.value, { ...DEFAULTS, modelId: 'm', cost: 3, priority: 1, apiKey: null });
  const refused = update({ url: 'http://b:1' });
  assert.ok(!refused.ok);
});

test('any JSON is either parsed or refused with at least one problem, in bounded text', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const parsed = parse(value);
      if (parsed.ok) assert.ok(parsed.value.address.url.length > 0);
      else assert.ok(parsed.problems.length > 0);
    }),
  );
});
