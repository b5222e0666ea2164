/** Judges a race that was run to check the race itself. Pure. */
import { SLOW_US } from './entrants/node-servers.ts';
import { median, type Rated, yardstickError } from './statistics.ts';

export const CHECK_ENTRANTS: readonly string[] = ['raw-sockets', 'check-slow', 'check-broken'];
export const CHECK_WORKLOADS: readonly string[] = ['json1k5', 'sse100'];

export interface Verdict {
  readonly isRight: boolean;
  readonly text: string;
}

/** One verdict per question that the windows can answer. */
export function selfCheck(windows: readonly Rated[]): readonly Verdict[] {
  const verdicts: Verdict[] = [];
  for (const workload of new Set(windows.map((w) => w.workload))) {
    const error = yardstickError(windows.filter((w) => w.workload === workload));
    verdicts.push({
      isRight: Math.abs(error - 1) < 0.1,
      text: `${workload}: nginx against itself is x${error.toFixed(3)} (0.9 to 1.1 is good)`,
    });
  }
  const cost = (name: string) => median(windows.filter((w) => w.name === name && w.workload === 'json1k5').map((w) => w.cpu_us_per_unit));
  const extra = cost('check-slow') - cost('raw-sockets');
  if (Number.isFinite(extra)) {
    verdicts.push({
      isRight: extra > 0.8 * SLOW_US && extra < 1.4 * SLOW_US,
      text: `burning ${SLOW_US} us more per request shows as ${extra.toFixed(1)} us more`,
    });
  }
  const spoiled = windows.filter((w) => w.name === 'check-broken' && w.workload.startsWith('json'));
  if (spoiled.length > 0) {
    verdicts.push({
      isRight: spoiled.every((w) => w.errors > 0),
      text: `spoiled answers are counted: ${spoiled.map((w) => w.errors).join(', ')}`,
    });
  }
  const wrong = windows.filter((w) => w.name !== 'check-broken' && w.errors > 0);
  verdicts.push({ isRight: wrong.length === 0, text: 'no other entrant has errors' });
  return verdicts;
}
