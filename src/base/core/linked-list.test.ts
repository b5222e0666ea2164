import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Linked, LinkedList } from './linked-list.ts';

interface Member extends Linked<Member> {
  readonly name: number;
}

const member = (name: number): Member => ({ name, previous: null, next: null, isListed: false });

test('holds what a Set would hold, in the same order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(9)), { maxLength: 80 }), (steps) => {
      const members = Array.from({ length: 10 }, (_, name) => member(name));
      const list = new LinkedList<Member>();
      const set = new Set<Member>();
      for (const [isAdded, name] of steps) {
        const one = members[name]!;
        if (!isAdded) assert.equal(list.delete(one), set.delete(one));
        else if (!set.has(one)) {
          list.add(one);
          set.add(one);
        }
        assert.deepEqual(
          list.list().map((each) => each.name),
          [...set].map((each) => each.name),
        );
        assert.equal(list.size, set.size);
      }
      for (const one of members) {
        if (!set.has(one)) assert.deepEqual([one.previous, one.next, one.isListed], [null, null, false]);
      }
    }),
  );
});

test('lists as many as asked for, and takes nothing twice', () => {
  const list = new LinkedList<Member>();
  const members = [1, 2, 3].map(member);
  for (const one of members) list.add(one);
  assert.deepEqual(list.list(2), members.slice(0, 2));
  assert.throws(() => list.add(members[1]!), /already in a list/);
});
