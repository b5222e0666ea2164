/** The fault matrix. */
import { ANSWER_FAULTS } from './answer-faults.ts';
import { ENGINE_FAULTS } from './engine-faults.ts';
import type { Fault } from './fault.ts';
import { PROCESS_FAULTS } from './process-faults.ts';

export const FAULTS: readonly Fault[] = [...ANSWER_FAULTS, ...PROCESS_FAULTS, ...ENGINE_FAULTS];

/** Rows for `npm test`. */
export const FAST_FAULTS: readonly Fault[] = FAULTS.filter(({ isFast, pending }) => isFast && pending === undefined);
