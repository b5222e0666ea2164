import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PrefixCache, type PrefixNode } from './prefix-cache.ts';

const ids = (text: string): Uint16Array => Uint16Array.from(text, (letter) => letter.charCodeAt(0));
/** Few letters, so that prefixes are shared often. */
const run = fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 14 }).map((list) => Uint16Array.from(list));

function nodes(cache: PrefixCache): PrefixNode[] {
  const all: PrefixNode[] = [];
  const visit = (node: PrefixNode): void => {
    for (const child of node.children.values()) {
      assert.equal(child.parent, node);
      all.push(child);
      visit(child);
    }
  };
  visit(cache.root);
  return all;
}

/** Number of different non-empty page-aligned prefixes, counted in tokens. */
function distinctTokens(runs: readonly Uint16Array[], page: number): number {
  const prefixes = new Set<string>();
  for (const tokens of runs) for (let end = page; end <= tokens.length; end += page) prefixes.add(tokens.slice(0, end).join());
  return prefixes.size * page;
}

function commonPages(a: Uint16Array, b: Uint16Array, page: number): number {
  let same = 0;
  while (same < Math.min(a.length, b.length) && a[same] === b[same]) same++;
  return same - (same % page);
}

test('a match is the longest prefix in whole pages of anything inserted, and every prefix is held once', () => {
  fc.assert(
    fc.property(fc.array(run, { maxLength: 12 }), run, fc.integer({ min: 1, max: 4 }), (runs, probe, page) => {
      const cache = new PrefixCache(page);
      for (const tokens of runs) cache.insert(tokens, tokens.length);
      const longest = Math.max(0, ...runs.map((tokens) => commonPages(tokens, probe, page)));
      assert.equal(cache.peek(probe, probe.length), longest);
      assert.equal(cache.match(probe, probe.length).length, longest);
      assert.equal(cache.heldTokens, distinctTokens(runs, page));
      assert.equal(
        nodes(cache).reduce((sum, node) => sum + node.tokens.length, 0),
        cache.heldTokens,
      );
    }),
  );
});

test('eviction frees at least the count if it can, never locked nodes, and keeps the totals', () => {
  const step = fc.record({ tokens: run, lock: fc.boolean(), evict: fc.integer({ min: 0, max: 20 }), unlock: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 3 }), (steps, page) => {
      const cache = new PrefixCache(page);
      const locked: { node: PrefixNode; tokens: Uint16Array; length: number }[] = [];
      for (const { tokens, lock, evict, unlock } of steps) {
        const { node, length } = cache.insert(tokens, tokens.length);
        if (lock) {
          cache.lock(node);
          locked.push({ node, tokens, length });
        }
        if (unlock) {
          const first = locked.shift();
          if (first !== undefined) cache.unlock(first.node);
        }
        const could = cache.evictableTokens;
        const freed = cache.evict(evict);
        assert.ok(freed >= Math.min(evict, could), `freed ${freed} of ${evict}, ${could} evictable`);
        assert.equal(cache.evictableTokens, could - freed);
        for (const held of locked) assert.equal(cache.peek(held.tokens, held.tokens.length), held.length);
      }
      for (const held of locked) cache.unlock(held.node);
      assert.equal(cache.evictableTokens, cache.heldTokens);
      cache.clear();
      assert.equal(cache.heldTokens, 0);
      assert.equal(nodes(cache).length, 0);
    }),
  );
});

test('the least recently used leaf leaves first', () => {
  const cache = new PrefixCache(1);
  for (const text of ['abcd', 'abxy', 'pqrs']) cache.insert(ids(text), 4);
  cache.match(ids('abcd'), 4);
  cache.evict(1);
  assert.equal(cache.peek(ids('abxy'), 4), 2);
  cache.evict(1);
  assert.equal(cache.peek(ids('pqrs'), 4), 0);
  assert.equal(cache.peek(ids('abcd'), 4), 4);
});

test('a long run that was split does not stay in memory behind a short one', () => {
  const cache = new PrefixCache(1);
  cache.insert(ids('a'.repeat(1000)), 1000);
  cache.match(ids('aab'), 3);
  const upper = cache.root.children.get('a'.charCodeAt(0));
  assert.equal(upper?.tokens.length, 2);
  assert.equal(upper?.tokens.buffer.byteLength, 4);
});
