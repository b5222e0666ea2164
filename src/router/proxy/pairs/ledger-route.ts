/** `GET /pd/pairs`: the pairs that are at work now, for people who look for what hangs. */
import type { Clock } from '../../../base/core/clock.ts';
import { jsonResponse, type LocalRequest, type LocalResponse, type LocalRoute } from '../../../base/core/local-route.ts';
import type { LivePair, PairLedger } from '../../pair/ledger.ts';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

/** `ledger`: null while there is none yet. */
export function pairLedgerRoute(ledger: () => PairLedger | null, clock: Clock): LocalRoute {
  return { method: 'GET', path: '/pd/pairs', access: 'control', handle: (request) => listPairs(ledger(), clock.nowMs(), request) };
}

function listPairs(ledger: PairLedger | null, nowMs: number, { query }: LocalRequest): LocalResponse {
  const given = query.get('limit');
  const limit = given === null ? DEFAULT_LIMIT : /^\d{1,4}$/.test(given) ? Number(given) : 0;
  if (limit < 1 || limit > MAX_LIMIT) {
    const error = `limit ${JSON.stringify((given ?? '').slice(0, 100))}: expected a whole number from 1 to ${MAX_LIMIT}`;
    return jsonResponse(400, { error, code: 'BAD_REQUEST' });
  }
  return jsonResponse(200, { pairs: (ledger?.list(limit) ?? []).map((pair) => shown(pair, nowMs)), total: ledger?.size ?? 0 });
}

/** Rooms are text: they are too large for the numbers of most JSON readers. */
function shown({ rooms, prefill, decode, phase, startMs, phaseMs }: LivePair, nowMs: number): object {
  return {
    room: rooms[0]?.digits ?? null,
    room_count: rooms.length,
    prefill: prefill.url,
    decode: decode.url,
    phase,
    age_ms: Math.round(nowMs - startMs),
    phase_age_ms: Math.round(nowMs - phaseMs),
  };
}
