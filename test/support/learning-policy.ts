/** A policy that goes by a header field and by what it heard of workers, and writes down all it hears: for tests of the contract. */
import type { Worker, WorkerIndex } from '../../src/base/core/worker.ts';
import { choose, NOBODY } from '../../src/router/policy/choices.ts';
import type { Choice, Ending, Policy } from '../../src/router/policy/contract.ts';

export type Heard =
  | { readonly what: 'commit'; readonly choice: Choice; readonly headers: readonly (string | undefined)[]; readonly nowMs: number }
  | { readonly what: 'first token'; readonly choice: Choice; readonly nowMs: number }
  | { readonly what: 'settled'; readonly choice: Choice; readonly ending: Ending };

interface LearningState {
  readonly hosts: Map<WorkerIndex, string>;
}

/** Sends a request to the worker whose host is the value of x-worker-host; others to the first worker. `heard` collects. */
export function learningPolicy(heard: Heard[]): Policy {
  const policy: Policy<LearningState, Record<never, never>> = {
    name: 'learning',
    needs: { header: ['x-worker-host', 'authorization'] },
    reasons: ['host', 'first'],
    settings: {},
    create: () => ({ hosts: new Map() }),
    select(view, { headers }, { hosts }): Choice {
      if (view.count === 0) return NOBODY;
      for (let n = 0; n < view.count; n++) if (hosts.get(view.at(n)) === headers[0]) return choose(view.at(n), 'host');
      return choose(view.at(0), 'first');
    },
    commit: (_, choice, { headers, nowMs }) => heard.push({ what: 'commit', choice, headers: [...headers], nowMs }),
    firstToken: (_, choice, nowMs) => heard.push({ what: 'first token', choice, nowMs }),
    settled: (_, choice, ending) => heard.push({ what: 'settled', choice, ending }),
    join: ({ hosts }, { index, host }: Worker) => hosts.set(index, host),
  };
  return policy as Policy;
}
