import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bindSymbols, type SymbolValues } from './symbols.ts';

const VALUES: SymbolValues = {
  addresses: new Map([
    ['n0', '127.0.0.10'],
    ['n1', 'fd00::2'],
    ['infra', '127.0.0.9'],
  ]),
  run: '/runs/a',
  job: '77',
  nodeBinary: '/usr/bin/node',
  package: '/opt/router',
};

test('every symbol stands for its value', () => {
  assert.equal(
    bindSymbols('http://<node0>:8000 <run>/x <job> <node-binary> <package>/dist', VALUES),
    'http://127.0.0.10:8000 /runs/a/x 77 /usr/bin/node /opt/router/dist',
  );
});

test('the namespace of a run is a name for Dynamo, which reads what follows a dot as another name', () => {
  assert.equal(bindSymbols('<namespace>', VALUES), 'srtctl-77');
  const job = 'qwen2.5 7b_x-20261121-131500';
  assert.equal(bindSymbols('--namespace <namespace>', { ...VALUES, job }), '--namespace srtctl-qwen2-5-7b_x-20261121-131500');
});

test('an IPv6 address has brackets only where a port follows', () => {
  assert.equal(bindSymbols('--host <node1> --url http://<node1>:30000', VALUES), '--host fd00::2 --url http://[fd00::2]:30000');
});

test('what is no symbol stays', () => {
  for (const text of ['<node2>', '<node>', '<Run>', '< run>', '<|begin|>', '$(<run', 'a<b>c'])
    assert.equal(bindSymbols(text, VALUES), text);
});

test('values are not looked at for symbols', () => {
  assert.equal(bindSymbols('<run>', { ...VALUES, run: '/runs/<job>/$&' }), '/runs/<job>/$&');
});

test('text without symbols is never changed', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }).filter((text) => !/<(node|run|job|namespace|package)/.test(text)),
      (text) => bindSymbols(text, VALUES) === text,
    ),
  );
});
