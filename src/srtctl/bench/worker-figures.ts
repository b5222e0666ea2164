/**
 * Errors and latencies by worker. The client cannot see which worker answered, and a retry hides one that fails; the routers count both in
 * their metrics, which are read before and after a point.
 */
import { request } from 'undici';

const ANSWER_MS = 5000;

/** One worker over one point, all routers together. Names as in result files. */
export interface WorkerFigure {
  readonly worker: string;
  readonly attempts: number;
  readonly failures: number;
  /** Null: nothing was measured there. */
  readonly mean_ttft_ms: number | null;
  readonly mean_itl_ms: number | null;
  readonly mean_duration_ms: number | null;
}

interface Counts {
  attempts: number;
  failures: number;
  /** Sum in seconds and count of observations. */
  ttft: [number, number];
  itl: [number, number];
  duration: [number, number];
}

export type WorkerCounts = ReadonlyMap<string, Counts>;

/** `urls`: pages of metrics, one for each router. Null: none of them answers. */
export async function readWorkerCounts(urls: readonly string[]): Promise<WorkerCounts | null> {
  const pages = (await Promise.all(urls.map(readPage))).filter((page) => page !== null);
  return pages.length === 0 ? null : countsIn(pages);
}

async function readPage(url: string): Promise<string | null> {
  try {
    const { statusCode, body } = await request(url, { headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS });
    const text = await body.text();
    return statusCode === 200 ? text : null;
  } catch {
    // A router without metrics, or of another make: there are no figures by worker then.
    return null;
  }
}

const LINE =
  /^smg_worker_(requests_total|failures_total|(ttft|inter_token_latency|request_duration)_seconds_(sum|count))\{([^}]*)\} (\S+)$/;

/** Source: docs/metrics.md. */
export function countsIn(pages: readonly string[]): WorkerCounts {
  const all = new Map<string, Counts>();
  for (const line of pages.flatMap((page) => page.split('\n'))) {
    const [, name, measure, part, labels = '', text] = LINE.exec(line) ?? [];
    const worker = /(?:^|,)worker="([^"]*)"/.exec(labels)?.[1];
    const value = Number(text);
    if (worker === undefined || !Number.isFinite(value)) continue;
    let counts = all.get(worker);
    if (counts === undefined) {
      counts = { attempts: 0, failures: 0, ttft: [0, 0], itl: [0, 0], duration: [0, 0] };
      all.set(worker, counts);
    }
    if (name === 'requests_total') counts.attempts += value;
    else if (name === 'failures_total') counts.failures += value;
    else {
      const pair = measure === 'ttft' ? counts.ttft : measure === 'request_duration' ? counts.duration : counts.itl;
      const at = part === 'sum' ? 0 : 1;
      pair[at] += value;
    }
  }
  return all;
}

/** Only workers that got something. */
export function figuresBetween(before: WorkerCounts, after: WorkerCounts): WorkerFigure[] {
  return [...after]
    .map(([worker, now]): WorkerFigure => {
      const then = before.get(worker);
      const mean = (measure: 'ttft' | 'itl' | 'duration'): number | null => {
        const count = now[measure][1] - (then?.[measure][1] ?? 0);
        return count > 0 ? ((now[measure][0] - (then?.[measure][0] ?? 0)) * 1000) / count : null;
      };
      return {
        worker,
        attempts: now.attempts - (then?.attempts ?? 0),
        failures: now.failures - (then?.failures ?? 0),
        mean_ttft_ms: mean('ttft'),
        mean_itl_ms: mean('itl'),
        mean_duration_ms: mean('duration'),
      };
    })
    .filter(({ attempts, failures }) => attempts > 0 || failures > 0)
    .sort((a, b) => (a.worker < b.worker ? -1 : 1));
}

/** A worker whose mean is so many times that of the others is named. */
const SLOW_FACTOR = 2;
/** Share of attempts that fail above which a worker is named, however well retries hid it. */
const FAILED_SHARE = 0.01;
/** Means of fewer attempts are chance. */
const FEWEST_ATTEMPTS = 3;

/** One sentence for each worker that fails, or is slower than the others. */
export function oddWorkers(figures: readonly WorkerFigure[]): string[] {
  const failing = figures
    .filter(({ attempts, failures }) => failures > attempts * FAILED_SHARE)
    .map(({ worker, attempts, failures }) => `${worker} failed ${failures} of ${attempts} attempts`);
  return [...failing, ...slowWorkers(figures)];
}

function slowWorkers(figures: readonly WorkerFigure[]): string[] {
  const enough = figures.filter(({ attempts }) => attempts >= FEWEST_ATTEMPTS);
  return enough.flatMap((figure) => {
    // The half of a pair that streams has a time to its first token, the other one only a duration.
    const words = (figure.mean_ttft_ms === null ? (['duration'] as const) : (['ttft', 'itl'] as const)).flatMap((measure) => {
      const own = figure[`mean_${measure}_ms`];
      const others = enough
        .filter((other) => other !== figure && (other.mean_ttft_ms === null) === (figure.mean_ttft_ms === null))
        .map((other) => other[`mean_${measure}_ms`])
        .filter((value) => value !== null)
        .sort((a, b) => a - b);
      const usual = others[Math.floor((others.length - 1) / 2)];
      if (own === null || usual === undefined || own <= usual * SLOW_FACTOR) return [];
      return [`${measure === 'duration' ? 'duration' : measure.toUpperCase()} ${own.toFixed(1)} ms against ${usual.toFixed(1)} ms`];
    });
    return words.length === 0 ? [] : [`${figure.worker} is slower than the others: ${words.join(', ')}`];
  });
}
