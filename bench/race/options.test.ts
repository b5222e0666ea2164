import assert from 'node:assert/strict';
import { test } from 'node:test';
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

test('the help names every workload and option', () => {
  for (const name of Object.keys(WORKLOADS)) assert.ok(HELP.includes(name), name);
  for (const flag of ['only', 'rounds', 'json', 'from', 'self-check', 'fresh', 'also']) assert.ok(HELP.includes(`--${flag}`), flag);
});
