/** The columns of the fault matrix. */

/** Kind of request; with pairs also the leg whose worker fails. */
export const CELLS = ['plain', 'stream', 'prefill plain', 'prefill stream', 'decode plain', 'decode stream'] as const;
export type Cell = (typeof CELLS)[number];

export const SINGLE: readonly Cell[] = ['plain', 'stream'];

export const isStream = (cell: Cell): boolean => cell.endsWith('stream');
export const isPaired = (cell: Cell): boolean => cell.includes(' ');
