/** What the state machine of a run hears, what it orders, and what it tells its onlookers. */
import type { ProcessEnd } from '../launch/launcher.ts';
import type { FailureReport, ProcessState, RunState } from './run-directory.ts';

export type RunEvent =
  /** The site is open; `clashes`: ports that are taken, one sentence each. */
  | { readonly type: 'opened'; readonly clashes: readonly string[] }
  | { readonly type: 'open-failed'; readonly message: string }
  | { readonly type: 'started'; readonly id: string; readonly pid: number | null }
  | { readonly type: 'start-failed'; readonly id: string; readonly message: string }
  | { readonly type: 'line'; readonly id: string; readonly text: string }
  | { readonly type: 'log-failed'; readonly id: string; readonly code: string }
  /** Not ready yet; `detail`: what is missing. Told when it changes. */
  | { readonly type: 'not-ready'; readonly id: string; readonly detail: string }
  | { readonly type: 'ready'; readonly id: string }
  /** A ready process and its probe. `why`: what came instead of an answer. */
  | { readonly type: 'answered'; readonly id: string }
  | { readonly type: 'unanswered'; readonly id: string; readonly why: string }
  /** After a benchmark has failed: this process does not answer. `isGone`: its end will follow. */
  | { readonly type: 'not-well'; readonly id: string; readonly why: string; readonly isGone: boolean }
  /** Every process has been asked. */
  | { readonly type: 'asked-all' }
  | { readonly type: 'ended'; readonly id: string; readonly end: ProcessEnd }
  | { readonly type: 'node-lost'; readonly node: string; readonly why: string }
  /** The smoke test: one real request through every router and the public endpoint. */
  | { readonly type: 'smoke-test-pending'; readonly detail: string }
  | { readonly type: 'smoke-test-passed' }
  /** Each part was asked directly: why requests are not answered, and by which process (null: no single one). */
  | { readonly type: 'suspect'; readonly id: string | null; readonly why: string }
  | { readonly type: 'smoke-test-failed'; readonly via: string; readonly message: string }
  /** Something outside of the processes failed (the supervisor's own work). */
  | { readonly type: 'broken'; readonly message: string }
  /** The first stops the run in order, the second hurries, the third kills. */
  | { readonly type: 'cancel'; readonly by: string }
  | { readonly type: 'closed'; readonly leftovers: readonly string[] }
  /** Time has passed. */
  | { readonly type: 'tick' };

export type Effect =
  | { readonly do: 'open' }
  | { readonly do: 'start'; readonly ids: readonly string[] }
  /** Ask until it is ready. */
  | { readonly do: 'watch'; readonly id: string }
  /** Probe it until it ends. */
  | { readonly do: 'probe'; readonly id: string }
  /** Ask every ready process once, then hear `asked-all`. */
  | { readonly do: 'ask-all' }
  | { readonly do: 'smoke-test' }
  /** Ask nothing any more. */
  | { readonly do: 'stop-asking' }
  | { readonly do: 'signal'; readonly id: string; readonly how: 'drain' | 'terminate' | 'kill' }
  | { readonly do: 'close' }
  | { readonly do: 'tell'; readonly notice: Notice };

/** For live views and events.jsonl (`line` only for the former). */
export type Notice =
  | { readonly type: 'state'; readonly state: RunState; readonly tier: number | null; readonly detail: string | null }
  | {
      readonly type: 'process';
      readonly id: string;
      readonly node: string;
      readonly state: ProcessState;
      readonly detail: string | null;
      readonly pid: number | null;
      readonly exitCode: number | null;
      readonly signal: string | null;
    }
  | { readonly type: 'line'; readonly id: string; readonly text: string }
  | { readonly type: 'warning'; readonly text: string }
  | { readonly type: 'report'; readonly report: FailureReport };

export function tell(notice: Notice): Effect {
  return { do: 'tell', notice };
}
