/** A node of a simulated engine other than the first: it loads, serves nothing, and ends with the first. */
import type { Clock } from '../../base/core/clock.ts';
import { realClock } from '../../base/runtime/clock.ts';
import { completeOptions, parseDistAddress, type SimOptions } from '../engine/options.ts';
import { EngineLog, type LogSink } from './engine-log.ts';
import { type FirstNodeEnd, OtherNode } from './node-group.ts';

export interface FollowerHandle {
  readonly options: SimOptions;
  /** Resolves when all nodes are connected and this one has loaded. Rejects if they are not connected in time. */
  readonly ready: Promise<void>;
  /** Resolves when the first node is gone, or after `stop`. */
  readonly gone: Promise<FirstNodeEnd>;
  stop(): void;
}

/** Throws a RangeError for bad options. */
export function startFollower(given: Partial<SimOptions>, clock: Clock = realClock, sink: LogSink = () => {}): FollowerHandle {
  const options = completeOptions(given);
  const at = parseDistAddress(options.distInitAddr);
  if (at === null || options.nodeRank === 0) throw new RangeError('nodeRank 0 is the first node: it serves');
  const log = new EngineLog(clock, sink);
  log.arguments(options);
  log.meeting(options);
  const node = new OtherNode(at, options.nodeRank, clock, options.distTimeout * 1000);
  const start = async (): Promise<void> => {
    await node.met;
    log.met();
    await log.load((options.startupDelaySecs * 1000) / options.speedup);
  };
  return { options, ready: start(), gone: node.gone, stop: () => node.close() };
}
