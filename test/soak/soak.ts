/**
 * Mixed load with random faults through router processes, one with single workers and one with pairs, while workers are restarted. At the
 * end every outcome has been explained by a rule (explain.ts), every count is zero, no descriptor is left and memory was flat.
 */
import type { Owner } from '../support/owner.ts';
import { Lane, type LaneReport } from './lane.ts';
import { judgeMemory, MAX_GROWTH } from './memory.ts';

export interface SoakSettings {
  readonly seconds: number;
  readonly restartEverySecs: number;
  /** Of each router. */
  readonly clients: number;
  readonly seed: number;
  /** Further flags of the routers. */
  readonly flags?: readonly string[];
}

export interface Verdict {
  readonly isRight: boolean;
  readonly text: string;
}

/** Shorter runs say nothing about memory. */
const MEMORY_FROM_SECS = 300;
/** A worker that is back is used within 2 s; the rest is a busy machine. */
const USED_AGAIN_MS = 4000;
/** Share of the restarts that a busy machine must have found time for. */
const MOST_RESTARTS = 0.8;
const MIB = 1024 * 1024;

export async function runSoak(owner: Owner, settings: SoakSettings): Promise<readonly LaneReport[]> {
  const lanes = await Promise.all([
    Lane.start(owner, { ...settings, name: 'single', isPaired: false }),
    Lane.start(owner, { ...settings, name: 'pairs', isPaired: true, seed: settings.seed + 1 }),
  ]);
  return Promise.all(lanes.map((lane) => lane.run()));
}

export function verdicts(report: LaneReport, { seconds, restartEverySecs }: SoakSettings): readonly Verdict[] {
  const { requests, unexplained, unexplainedCount, faults, restarts, left, descriptors, complaints, memory } = report;
  const wantedRestarts = Math.floor((MOST_RESTARTS * seconds) / restartEverySecs) - 1;
  const slowest = Math.max(0, ...restarts.map(({ usedAfterMs }) => usedAfterMs ?? 0));
  const { firstBytes, lastBytes, growth } = judgeMemory(memory);
  const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;
  const grown = `memory ${mib(firstBytes)} after the warm-up, ${mib(lastBytes)} at the end (${(growth * 100).toFixed(1)} %)`;
  const isLong = seconds >= MEMORY_FROM_SECS;
  return [
    { isRight: unexplainedCount === 0, text: [`${unexplainedCount} outcomes without an explanation`, ...unexplained].join('\n     ') },
    { isRight: left.length === 0, text: `counts at the end: ${left.join(', ') || 'all zero'}` },
    { isRight: descriptors <= 0, text: `${Math.max(0, descriptors)} descriptors left` },
    { isRight: complaints.length === 0, text: [`${complaints.length} errors in the log`, ...complaints].join('\n     ') },
    { isRight: slowest < USED_AGAIN_MS, text: `a restarted worker is used again within ${Math.round(slowest)} ms` },
    { isRight: !isLong || growth <= MAX_GROWTH, text: isLong ? grown : `${grown}; not judged below ${MEMORY_FROM_SECS} s` },
    // A soak without load, faults or restarts proves nothing.
    {
      isRight: requests >= seconds * 10 && faults > 0 && restarts.length >= wantedRestarts,
      text: `${requests} requests, ${faults} faults, ${report.retries} retries, ${restarts.length} restarts`,
    },
  ];
}
