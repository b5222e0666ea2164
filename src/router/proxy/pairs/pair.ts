/** One try of a request at one prefill and one decode worker: chosen, entered in the ledger, ready to be sent. */
import type { ErrorCode } from '../../../base/core/errors.ts';
import type { Prompt } from '../../../base/core/route-input.ts';
import type { Worker, WorkerIndex } from '../../../base/core/worker.ts';
import type { RequestHead } from '../../../wire/http1/request-head.ts';
import { SINGLE } from '../../pair/batch-shape.ts';
import { rankMembers } from '../../pair/bootstrap-fields.ts';
import type { LivePair } from '../../pair/ledger.ts';
import type { ByteSink } from '../../pair/logprob-splicer.ts';
import type { Choice } from '../../policy/contract.ts';
import type { ProxyContext } from '../context.ts';
import { Attempt } from '../dispatch/attempt.ts';
import type { Selection } from '../dispatch/selection.ts';
import type { RequestBody } from '../request/body.ts';
import { makePairBodies } from '../request/spliced-body.ts';
import type { RequestRecord } from '../routing/request-record.ts';
import { type LegOwner, type LegRole, PairLeg } from './leg.ts';
import { PairMerge } from './merge.ts';
import type { Pairing } from './pairing.ts';
import type { PairRequest } from './reader.ts';
import { PairRids } from './rids.ts';

export interface Pair {
  readonly live: LivePair;
  readonly prefill: PairLeg;
  readonly decode: PairLeg;
  readonly rids: PairRids;
  /** Null: decode's answer passes as it is. */
  readonly merge: PairMerge | null;
}

/** Why there is no pair, for the client. */
export interface NoPair {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Workers of each role that have failed, in order: not chosen again as long as there are others. */
export interface FailedWorkers {
  prefill: readonly WorkerIndex[];
  decode: readonly WorkerIndex[];
}

/**
 * Chooses both workers, draws rooms and makes both bodies. `body` holds what `request` was read from, and the reader's input is
 * that of this body. Counts as load at both workers until their legs end.
 */
export function openPair(
  ctx: ProxyContext,
  pairing: Pairing,
  owner: LegOwner & ByteSink,
  request: PairRequest,
  body: RequestBody,
  record: RequestRecord,
  failed: FailedWorkers,
): Pair | NoPair {
  const { prefill, decode, reader, ledger } = pairing;
  const { head, route } = record;
  if (prefill.eligible.length === 0) return noWorker(ctx, 'prefill');
  if (decode.eligible.length === 0) return noWorker(ctx, 'decode');
  const ofPrefill = choose(prefill, reader.prompt, head, ctx.turnMs, failed.prefill);
  const ofDecode = choose(decode, reader.prompt, head, ctx.turnMs, failed.decode);
  const { workers } = ctx.fleet.current;
  const prefillWorker = workers[ofPrefill.worker];
  const decodeWorker = workers[ofDecode.worker];
  if (prefillWorker === undefined) return noWorker(ctx, 'prefill');
  if (decodeWorker === undefined) return noWorker(ctx, 'decode');
  const { shape } = request;
  const live = ledger.open(shape.batch === SINGLE ? 1 : shape.batch, prefillWorker, decodeWorker, ctx.turnMs);
  if (live === null) return { code: 'too_many_pairs', message: 'as many prefill-decode pairs are at work as the router keeps' };
  const rids = new PairRids(shape, live.rooms);
  const bootstrap = pairing.getBootstrap(prefillWorker.index);
  const members = shape.batch === SINGLE ? bootstrap.single(live.rooms[0]!) : bootstrap.batch(live.rooms); // One room was asked for.
  const [prefillRank, decodeRank] = [prefillWorker.rank?.number ?? null, decodeWorker.rank?.number ?? null];
  const both = members + rids.member;
  const toPrefill = both + rankMembers(prefillRank, null);
  const bodies = makePairBodies(body, request.splice, toPrefill, both + rankMembers(decodeRank, prefillRank), ctx.memory);
  return {
    live,
    prefill: leg(ctx, owner, 'prefill', prefillWorker, ofPrefill, prefill, bodies.prefill),
    decode: leg(ctx, owner, 'decode', decodeWorker, ofDecode, decode, bodies.decode),
    rids,
    merge: shape.wantsInputLogprobs ? new PairMerge(pairing.finder, shape, route.endpoint, owner) : null,
  };
}

/** A worker that has failed is better than none. */
function choose(selection: Selection, prompt: Prompt, head: RequestHead, nowMs: number, failed: readonly WorkerIndex[]): Choice {
  return selection.choose(prompt, head, nowMs, selection.hasOther(failed.slice(-1), 'workers') ? failed : []);
}

function leg(
  ctx: ProxyContext,
  owner: LegOwner,
  role: LegRole,
  worker: Worker,
  choice: Choice,
  selection: Selection,
  body: RequestBody,
): PairLeg {
  return new PairLeg(ctx, owner, role, worker, new Attempt(ctx, worker.index, choice, selection), body);
}

function noWorker(ctx: ProxyContext, role: LegRole): NoPair {
  if (!ctx.fleet.current.workers.some((worker) => worker?.type === role)) {
    return { code: 'no_workers', message: `no ${role} worker is registered` };
  }
  return { code: 'no_available_workers', message: `no ${role} worker can take requests now: all are down, starting or leaving` };
}
