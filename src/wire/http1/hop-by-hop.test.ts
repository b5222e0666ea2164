import assert from 'node:assert/strict';
import { test } from 'node:test';
import { droppedByConnection, isHopByHop } from './hop-by-hop.ts';

test('fields of one connection are hop-by-hop, others are not', () => {
  for (const name of [
    'connection',
    'keep-alive',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'proxy-connection',
    'proxy-authorization',
    'proxy-x',
  ]) {
    assert.equal(isHopByHop(name), true, name);
  }
  for (const name of ['content-length', 'host', 'x-te', 'trailers', 'proxyx', 'set-cookie']) assert.equal(isHopByHop(name), false, name);
});

test('names that Connection lists are dropped, in any case and over several fields', () => {
  assert.deepEqual(droppedByConnection(['connection', 'X-A , close', 'x-a', '1', 'connection', 'keep-alive, x-b,,']), ['x-a', 'x-b']);
});

test('nothing is dropped when Connection says nothing new', () => {
  assert.equal(droppedByConnection([]), null);
  assert.equal(droppedByConnection(['host', 'connection']), null);
  for (const value of ['keep-alive', 'close', 'Keep-Alive', 'TE, close', 'upgrade', ''])
    assert.equal(droppedByConnection(['connection', value]), null, value);
});
