/** What the probe listener answers, from the last report of the event loop and the age of that report. Pure. */

/** What the event loop last said of itself. */
export interface ProbeReport {
  /** Of `/readiness`. */
  readonly status: number;
  /** JSON. */
  readonly body: string;
}

export interface ProbeAnswer {
  readonly status: number;
  readonly type: 'application/json' | 'text/plain; charset=utf-8';
  readonly body: string;
}

/** Between two reports of an event loop that is not busy. */
export const REPORT_INTERVAL_MS = 250;
/** Without a report for this time the last one counts no longer: `/readiness` answers 503. */
export const READINESS_STALE_MS = 10_000;
/** Without a report for this time `/liveness` and `/health` answer 503: the event loop does not come back. */
export const LIVENESS_STALE_MS = 60_000;

/** The report before the first one. */
export const STARTING: ProbeReport = { status: 503, body: JSON.stringify({ status: 'not ready', reason: 'starting' }) };

/** `target`: as in the request line. */
export function answerProbe(method: string, target: string, report: ProbeReport, ageMs: number): ProbeAnswer {
  const path = target.split('?', 1)[0] ?? '';
  if (path !== '/readiness' && path !== '/liveness' && path !== '/health') {
    return json(404, { error: 'only /readiness, /liveness and /health' });
  }
  if (method !== 'GET' && method !== 'HEAD') return json(405, { error: 'only GET and HEAD' });
  const limitMs = path === '/readiness' ? READINESS_STALE_MS : LIVENESS_STALE_MS;
  if (ageMs > limitMs) {
    return json(503, { status: 'not ready', reason: `the event loop has not reported for ${Math.floor(ageMs / 1000)} s` });
  }
  if (path === '/readiness') return { status: report.status, type: 'application/json', body: report.body };
  return { status: 200, type: 'text/plain; charset=utf-8', body: 'OK' };
}

function json(status: number, value: object): ProbeAnswer {
  return { status, type: 'application/json', body: JSON.stringify(value) };
}
