/** One try of a request at one prefill and one decode worker: chosen, entered in the ledger, sent, and ended. */
import type { OutcomeKind } from '../../../base/core/outcome.ts';
import type { Prompt } from '../../../base/core/route-input.ts';
import type { Worker, WorkerIndex } from '../../../base/core/worker.ts';
import type { RequestHead } from '../../../wire/http1/request-head.ts';
import { SINGLE } from '../../pair/batch-shape.ts';
import { rankMembers } from '../../pair/bootstrap-fields.ts';
import type { LivePair } from '../../pair/ledger.ts';
import type { ByteSink } from '../../pair/logprob-splicer.ts';
import type { Choice } from '../../policy/contract.ts';
import { Attempt } from '../dispatch/attempt.ts';
import type { Dispatch } from '../dispatch/dispatch.ts';
import type { RetryPlan } from '../dispatch/retry-plan.ts';
import type { Selection } from '../dispatch/selection.ts';
import type { RequestBody } from '../request/body.ts';
import type { BodyMemory } from '../request/body-memory.ts';
import { makePairBodies } from '../request/spliced-body.ts';
import { type NoWorker, noWorker } from '../routing/no-worker.ts';
import type { RequestRecord } from '../routing/request-record.ts';
import { type LegOwner, type LegRole, PairLeg } from './leg.ts';
import { PairMerge } from './merge.ts';
import type { Pairing } from './pairing.ts';
import type { PairRequest } from './reader.ts';
import { abortFields, PairRids } from './rids.ts';

/** An engine may still be reading a request that was sent this long ago. */
const YOUNG_MS = 1000;

/** What all tries of one request share. */
export interface PairOrder {
  readonly request: PairRequest;
  /** Holds what `request` was read from, and the reader's prompt was read from this body. */
  readonly body: RequestBody;
  readonly record: RequestRecord;
  /** Flat name, value list for the workers. */
  readonly fields: readonly string[];
}

export interface PairMakers {
  readonly dispatch: Dispatch;
  readonly memory: BodyMemory;
  readonly pairing: Pairing;
}

export class Pair {
  readonly live: LivePair;
  readonly prefill: PairLeg;
  readonly decode: PairLeg;
  readonly rids: PairRids;
  /** Null: decode's answer passes as it is. */
  readonly merge: PairMerge | null;
  readonly #order: PairOrder;
  readonly #makers: PairMakers;

  constructor(
    makers: PairMakers,
    order: PairOrder,
    live: LivePair,
    legs: readonly [PairLeg, PairLeg],
    rids: PairRids,
    merge: PairMerge | null,
  ) {
    this.#makers = makers;
    this.#order = order;
    this.live = live;
    this.prefill = legs[0];
    this.decode = legs[1];
    this.rids = rids;
    this.merge = merge;
  }

  get isOver(): boolean {
    return this.prefill.isOver && this.decode.isOver;
  }

  other(leg: PairLeg): PairLeg {
    return leg === this.prefill ? this.decode : this.prefill;
  }

  /** Closes a leg's socket and, unless `isTold` is false, tells its engine. */
  abort(leg: PairLeg, kind: OutcomeKind, isTold = true): void {
    const upstream = leg.abort(kind);
    if (upstream === null || !isTold) return;
    const { aborts, liveRids } = this.#makers.pairing;
    const { fields, request } = this.#order;
    const ageMs = this.#makers.dispatch.turn.nowMs - this.live.startMs;
    // A stream's engine sees at once that its socket is closed. An id of the client may have come back with a new request by then.
    const isYoung = !request.isStream && !this.rids.isClients && ageMs < YOUNG_MS;
    for (const rid of this.rids.all) {
      // The engine sees by itself that the socket is closed, if later.
      if (liveRids.endsOthers(this.rids, rid)) continue;
      if (isYoung) aborts.sendTwice(upstream, rid, abortFields(fields));
      else aborts.send(upstream, rid, abortFields(fields));
    }
  }
}

/**
 * Chooses both workers, draws rooms and makes both bodies. Counts as load at both workers until their legs end. `plan`: null for the
 * first pair of a request.
 */
export function openPair(makers: PairMakers, owner: LegOwner & ByteSink, order: PairOrder, plan: RetryPlan | null): Pair | NoWorker {
  const { dispatch, memory, pairing } = makers;
  const { prefill, decode, reader, ledger } = pairing;
  const { request, body } = order;
  const { current } = dispatch.fleet;
  if (prefill.eligible.length === 0) return noWorker(current, 'prefill');
  if (decode.eligible.length === 0) return noWorker(current, 'decode');
  const { head, route } = order.record;
  const { nowMs } = dispatch.turn;
  const ofPrefill = choose(prefill, reader.prompt, head, nowMs, plan?.failed('prefill'));
  const ofDecode = choose(decode, reader.prompt, head, nowMs, plan?.failed('decode'));
  const prefillWorker = current.workers[ofPrefill.worker];
  const decodeWorker = current.workers[ofDecode.worker];
  if (prefillWorker === undefined) return noWorker(current, 'prefill');
  if (decodeWorker === undefined) return noWorker(current, 'decode');
  const { shape } = request;
  const live = ledger.open(shape.batch === SINGLE ? 1 : shape.batch, prefillWorker, decodeWorker, nowMs);
  if (live === null) return { code: 'too_many_pairs', message: 'as many prefill-decode pairs are at work as the router keeps' };
  const rids = new PairRids(shape, live.rooms);
  pairing.liveRids.add(rids);
  const bootstrap = pairing.getBootstrap(prefillWorker.index);
  const members = shape.batch === SINGLE ? bootstrap.single(live.rooms[0]!) : bootstrap.batch(live.rooms); // One room was asked for.
  const [prefillRank, decodeRank] = [prefillWorker.rank?.number ?? null, decodeWorker.rank?.number ?? null];
  const both = members + rids.member;
  const toPrefill = both + rankMembers(prefillRank, null);
  const bodies = makePairBodies(body, request.splice, toPrefill, both + rankMembers(decodeRank, prefillRank), memory);
  const leg = (role: LegRole, worker: Worker, choice: Choice, ofLeg: RequestBody): PairLeg =>
    new PairLeg(owner, role, worker, new Attempt(dispatch, worker.index, choice, pairing[role]), ofLeg);
  const legs = [leg('prefill', prefillWorker, ofPrefill, bodies.prefill), leg('decode', decodeWorker, ofDecode, bodies.decode)] as const;
  const merge = shape.wantsInputLogprobs || shape.wantsExperts ? new PairMerge(pairing.finder, shape, route.endpoint, owner) : null;
  return new Pair(makers, order, live, legs, rids, merge);
}

/** A worker that has failed is better than none. */
function choose(selection: Selection, prompt: Prompt, head: RequestHead, nowMs: number, failed?: readonly WorkerIndex[]): Choice {
  const isAllThereIs = failed !== undefined && !selection.hasOther(failed.slice(-1), 'workers');
  return selection.choose(prompt, head, nowMs, isAllThereIs ? undefined : failed);
}
