/** Requests to data-parallel ranks: the body as the client sent it, with the rank in it. */
import type { WorkerRank } from '../../../base/core/worker.ts';
import { MemberRecord } from '../../../wire/json/member-record.ts';
import { planSplice } from '../../pair/body-splice.ts';
import { RANK_MEMBERS, rankMembers } from '../../pair/bootstrap-fields.ts';
import { PAIR_FIELDS } from '../../pair/pair-fields.ts';
import type { RequestBody } from './body.ts';
import type { BodyMemory } from './body-memory.ts';
import { splicedBody } from './spliced-body.ts';

export class RankBodies {
  /** To be filled by the scan of a body before `make` is asked for it. */
  readonly record: MemberRecord = new MemberRecord(PAIR_FIELDS);
  readonly #memory: BodyMemory;

  constructor(memory: BodyMemory) {
    this.#memory = memory;
  }

  /**
   * A copy of the whole body that was scanned last, with the rank in place of the client's own. Null: it is no object, and the
   * engine says so better. A text: why the rank cannot be put in.
   */
  make(body: RequestBody, rank: WorkerRank): RequestBody | null | string {
    const { record } = this;
    if (record.insertAt < 0) return null;
    if (record.isFull) return 'the body repeats its fields too often';
    const splice = planSplice(record, body.start, body.end, RANK_MEMBERS);
    const members = rankMembers(rank.number, null).slice(1);
    return splicedBody(body, splice, members, this.#memory);
  }
}
