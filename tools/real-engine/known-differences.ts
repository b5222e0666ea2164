/**
 * The one table of differences that are known and explained. What is not in it makes the comparison fail, and so does an
 * entry that no longer explains anything. A is the engine or the direct answer, B the simulation or the routed answer.
 */

import type { KnownDifference } from './difference.ts';

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [];
