import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chooseBuilds } from './against.ts';
import { fromTemplate } from './entrants/command.ts';
import { HELP, parseOptions } from './options.ts';
import { chooseEntrants } from './race.ts';
import { WORKLOADS } from './workloads.ts';

const chosen = (...args: string[]) => chooseEntrants(parseOptions(args)).map((entrant) => entrant.name);

test('by default every entrant of the default workloads runs, but none that only checks the race', () => {
  const names = chosen();
  assert.ok(
    ['direct', 'nginx', 'nginx-again', 'haproxy', 'ours/rr', 'ours/ca', 'raw-sockets', 'sglang-router/rr', 'smg/ca'].every((name) =>
      names.includes(name),
    ),
  );
  assert.ok(!names.some((name) => name.startsWith('check-') || name.endsWith('/pd')));
});

test('--only takes names or what stands before their slash, and keeps both nginx', () => {
  assert.deepEqual(chosen('--only', 'ours,raw-sockets'), ['nginx', 'nginx-again', 'ours/rr', 'ours/ca', 'raw-sockets']);
  assert.deepEqual(chosen('--only', 'ours/ca'), ['nginx', 'nginx-again', 'ours/ca']);
  assert.deepEqual(chosen('--only', 'smg', '--workloads', 'pd'), ['nginx', 'nginx-again', 'smg/pd']);
});

test('--policies names the entries of this router', () => {
  assert.deepEqual(chosen('--only', 'ours', '--policies', 'power_of_two,random'), ['nginx', 'nginx-again', 'ours/p2c', 'ours/random']);
});

test('--also enters another router, once per policy if its command names one', () => {
  const old = 'old=node /x/router.js --port {port} --worker-urls {workers} --policy {policy}';
  assert.deepEqual(chosen('--only', 'old', '--also', old), ['nginx', 'nginx-again', 'old/rr', 'old/ca']);
  assert.deepEqual(
    fromTemplate('plain=prog {port}', ['random']).map((entrant) => entrant.name),
    ['plain'],
  );
  for (const bad of ['node x', '=node', 'a=']) assert.throws(() => fromTemplate(bad, []), /expected NAME=COMMAND/);
});

test('bad values are named', () => {
  assert.throws(() => parseOptions(['--workloads', 'json1k5,fast']), /--workloads "fast": expected json1k5/);
  assert.throws(() => parseOptions(['--rounds', 'many']), /--rounds "many"/);
  assert.throws(() => chosen('--only', 'apache'), /--only "apache"/);
  assert.throws(() => parseOptions(['--fast']), /--fast/);
});

test('--against races two builds over more workloads with one policy', () => {
  const options = parseOptions(['--against', '/old']);
  assert.equal(options.against, '/old');
  assert.deepEqual(options.workloads, ['json1k5', 'json60k', 'json500k', 'sse', 'sse100', 'pd', 'pdsse']);
  assert.deepEqual([options.rounds, options.policies, options.isConfirmed], [12, ['round_robin'], true]);
  assert.equal(parseOptions(['--against', '/old', '--no-confirm']).isConfirmed, false);
  for (const flags of [['--only', 'ours'], ['--also', 'a=b'], ['--self-check'], ['--list']]) {
    assert.throws(() => parseOptions(['--against', '/old', ...flags]), new RegExp(`^Error: ${flags[0]} and --against exclude each other$`));
  }
});

test('--old-node and --new-node are words, for two builds only', () => {
  const { nodeOptions, idleSeconds } = parseOptions(['--against', '.', '--old-node=--import /x.js', '--idle', '3']);
  assert.deepEqual([nodeOptions, idleSeconds], [{ new: [], old: ['--import', '/x.js'] }, 3]);
  assert.throws(() => parseOptions(['--old-node=--import /x.js']), /need --against/);
  assert.throws(() => parseOptions(['--idle', 'long']), /--idle "long": expected a number/);
});

test('--quick is short unless the other options say otherwise', () => {
  const { workloads, rounds, seconds, isConfirmed } = parseOptions(['--against', '/old', '--quick']);
  assert.deepEqual([workloads, rounds, seconds, isConfirmed], [['json1k5', 'sse'], 5, 0.4, false]);
  assert.equal(parseOptions(['--quick', '--rounds', '3', '--workloads', 'pd']).rounds, 3);
});

test('two builds are entered side by side, for each policy and kind of workload', () => {
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  const entered = (...args: string[]) => chooseBuilds(parseOptions(['--against', root, ...args]), root).map((entrant) => entrant.name);
  assert.deepEqual(entered(), ['new/rr', 'old/rr', 'new/pd', 'old/pd']);
  assert.deepEqual(entered('--workloads', 'sse', '--policies', 'round_robin,cache_aware'), ['new/rr', 'old/rr', 'new/ca', 'old/ca']);
  assert.throws(
    () => chooseBuilds(parseOptions(['--against', '/nowhere']), '/nowhere'),
    /"\/nowhere".*router\.js is missing.*npm run build/,
  );
});

test('the help names every workload and option', () => {
  for (const name of Object.keys(WORKLOADS)) assert.ok(HELP.includes(name), name);
  for (const flag of ['only', 'rounds', 'json', 'from', 'self-check', 'fresh', 'also', 'against', 'quick'])
    assert.ok(HELP.includes(`--${flag}`), flag);
});
