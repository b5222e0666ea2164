/**
 * The ids of clients that are at work. An engine aborts every request whose id begins like the one that is named (SGLang 0.5.23,
 * `startswith`): an abort of `job-1` would end `job-12` too.
 */
import type { PairRids } from './rids.ts';

export class LiveRids {
  readonly #live = new Set<PairRids>();

  /** Ids of the router are not kept: all have one length, so none begins another. */
  add(rids: PairRids): void {
    if (rids.isClients) this.#live.add(rids);
  }

  delete(rids: PairRids): void {
    this.#live.delete(rids);
  }

  /** An abort of `rid`, an id of `rids`, would end another request as well. */
  endsOthers(rids: PairRids, rid: string): boolean {
    if (!rids.isClients) return false;
    for (const other of this.#live) {
      if (other !== rids && other.all.some((one) => one !== rid && one.startsWith(rid))) return true;
    }
    return false;
  }
}
