/** /sim/faults and /sim/stats: what only the simulated engine has. */
import { readFaultRule } from '../engine/faults.ts';
import type { Call } from '../http/call.ts';
import { float, type Json, toJson } from '../http/python-json.ts';
import type { SchedulerCounters } from '../scheduling/scheduler-counters.ts';

export function listFaults({ engine, answer }: Call): void {
  answer.json(200, JSON.stringify({ faults: engine.faults.list() }));
}

/** POST /sim/faults: one rule. */
export function addFault(call: Call): void {
  const { engine, answer, body } = call;
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    // readFaultRule reports it as a problem of the whole body.
  }
  const read = readFaultRule(value);
  if ('problems' in read) {
    answer.json(400, JSON.stringify({ error: read.problems.join('; ') }));
    return;
  }
  try {
    const id = engine.addFault(read.rule);
    answer.json(200, JSON.stringify({ id }));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    answer.json(409, JSON.stringify({ error: error.message }));
  }
}

/** DELETE /sim/faults, or one with ?id=N. */
export function removeFaults({ engine, answer, query }: Call): void {
  const id = query.get('id');
  engine.removeFaults(id === null ? null : Number(id));
  answer.json(200, JSON.stringify({ faults: engine.faults.list() }));
}

export function stats({ engine, answer }: Call): void {
  answer.json(200, toJson(simStats(engine)));
}

/** Counters of the engine; `prefixes` has the 1,000 most recent prompt prefixes. */
export function simStats(engine: Call['engine']): { readonly [key: string]: Json } {
  const { traffic, state, roomStats } = engine;
  const counted = (of: (counters: SchedulerCounters) => number): number => engine.sum(({ counters }) => of(counters));
  const promptTokens = counted((counters) => counters.promptTokens);
  const cachedTokens = counted((counters) => counters.cachedTokens);
  const { rooms, waitingPartners } = roomStats();
  return {
    state,
    requests: Object.fromEntries(traffic.requests),
    responses: Object.fromEntries([...traffic.responses].map(([status, count]) => [String(status), count])),
    active_requests: traffic.active,
    disconnects: traffic.disconnects,
    generations: {
      received: counted((counters) => counters.received),
      completed: counted((counters) => counters.completed),
      aborted: counted((counters) => counters.aborted),
      refused: counted((counters) => counters.refused),
      retracted: counted((counters) => counters.retracted),
      running: engine.sum((scheduler) => scheduler.runningRequests),
      waiting: engine.sum((scheduler) => scheduler.waitingRequests),
    },
    tokens: {
      prompt: promptTokens,
      cached: cachedTokens,
      prefilled: counted((counters) => counters.prefilledTokens),
      generated: counted((counters) => counters.generatedTokens),
    },
    cache: {
      hit_rate: float(promptTokens === 0 ? 0 : cachedTokens / promptTokens),
      held_tokens: engine.sum(({ pool }) => pool.cache.heldTokens),
      evicted_tokens: engine.sum(({ pool }) => pool.evictedTokens),
      capacity_tokens: engine.sum(({ pool }) => pool.capacityTokens),
    },
    pairs: {
      meeting: engine.sum((scheduler) => scheduler.bootstrappingRequests),
      handing: engine.sum((scheduler) => scheduler.transferringRequests),
      rooms,
      waiting_partners: waitingPartners,
    },
    prefixes: [...traffic.prefixes].map(([key, group]) => ({
      key,
      requests: group.requests,
      prompt_tokens: group.promptTokens,
      cached_tokens: group.cachedTokens,
    })),
  };
}
