/**
 * A list threaded through its members, oldest first, for what comes and goes with every request. A Set will not do there: it
 * moves to a new table every few changes, each old table refers to the next one and to what was in it, and one that has grown
 * old keeps all of that from being collected as young (with pairs of short requests a seventh of the CPU went there).
 */

/** What a member has: in one list at a time. */
export interface Linked<T> {
  previous: T | null;
  next: T | null;
  isListed: boolean;
}

export class LinkedList<T extends Linked<T>> {
  #first: T | null = null;
  #last: T | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The oldest. */
  get first(): T | null {
    return this.#first;
  }

  /** At the end. Throws if the member is in a list already. */
  add(member: T): void {
    if (member.isListed) throw new Error('already in a list');
    member.isListed = true;
    member.previous = this.#last;
    if (this.#last === null) this.#first = member;
    else this.#last.next = member;
    this.#last = member;
    this.#size++;
  }

  /** False, and nothing happens, if it is in no list. */
  delete(member: T): boolean {
    if (!member.isListed) return false;
    const { previous, next } = member;
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    // A member that is gone must not keep others.
    member.previous = null;
    member.next = null;
    member.isListed = false;
    this.#size--;
    return true;
  }

  /** At most `limit` members, the oldest first. */
  list(limit: number = Number.POSITIVE_INFINITY): T[] {
    const members: T[] = [];
    for (let member = this.#first; member !== null && members.length < limit; member = member.next) members.push(member);
    return members;
  }
}
