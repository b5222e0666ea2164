/** /sim/faults and /sim/stats: what only the simulated engine has. */
import type { Call } from './call.ts';
import { readFaultRule } from './faults.ts';
import { float, type Json, toJson } from './python-json.ts';

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
    // Told to the caller as a problem of the whole body.
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
  engine.faults.remove(id === null ? null : Number(id));
  answer.json(200, JSON.stringify({ faults: engine.faults.list() }));
}

export function stats({ engine, answer }: Call): void {
  answer.json(200, toJson(simStats(engine)));
}

/** Counters of the engine; `prefixes` has the thousand most recently seen beginnings of prompts. */
export function simStats({ scheduler, traffic, state, roomStats }: Call['engine']): { readonly [key: string]: Json } {
  const { counters, pool } = scheduler;
  const { rooms, waitingPartners } = roomStats();
  return {
    state,
    requests: Object.fromEntries(traffic.requests),
    responses: Object.fromEntries([...traffic.responses].map(([status, count]) => [String(status), count])),
    active_requests: traffic.active,
    disconnects: traffic.disconnects,
    generations: {
      received: counters.received,
      completed: counters.completed,
      aborted: counters.aborted,
      refused: counters.refused,
      retracted: counters.retracted,
      running: scheduler.runningRequests,
      waiting: scheduler.waitingRequests,
    },
    tokens: {
      prompt: counters.promptTokens,
      cached: counters.cachedTokens,
      prefilled: counters.prefilledTokens,
      generated: counters.generatedTokens,
    },
    cache: {
      hit_rate: float(counters.promptTokens === 0 ? 0 : counters.cachedTokens / counters.promptTokens),
      held_tokens: pool.cache.heldTokens,
      evicted_tokens: pool.evictedTokens,
      capacity_tokens: pool.capacityTokens,
    },
    pairs: {
      meeting: scheduler.meetingRequests,
      handing: scheduler.handingRequests,
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
