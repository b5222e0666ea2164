/** The fault matrix. */
import { ANSWER_FAULTS } from './answer-faults.ts';
import type { Fault } from './fault.ts';

export const FAULTS: readonly Fault[] = [...ANSWER_FAULTS];
