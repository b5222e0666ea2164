/**
 * The one table of differences that are known and explained. What is not in it makes the comparison fail, and so does an
 * entry that no longer explains anything. A is the engine or the direct answer, B the simulation or the routed answer.
 */

import type { KnownDifference } from './difference.ts';

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    relation: 'simulated',
    cases: /^server info/,
    lines: /^key only in [AB]: /,
    reason:
      'Most of the 556 keys are launch options of SGLang that the simulation does not have: it tells null for them and leaves out what is nested in them. The keys that routers and launchers read are demanded of both.',
  },
  {
    relation: 'simulated',
    cases: /^metrics/,
    lines: /^metric only in A: /,
    reason:
      'The simulation has the metrics that dashboards and routers use, and counts no Python garbage collections or CPU kernels. A list of them is demanded of both.',
  },
  {
    relation: 'simulated',
    cases: /^docs$/,
    lines: /^text: /,
    reason: 'The simulation has no interactive documentation.',
  },
];
