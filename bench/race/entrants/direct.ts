/** No proxy at all: what the load generator and one worker can do by themselves. */
import type { Entrant } from './entrant.ts';

export const direct: Entrant = {
  name: 'direct',
  kind: 'plain',
  isMeasuredOnce: true,
  findProblem: () => null,
  start: async (field) => ({ port: field.workerPorts[0] ?? 0, program: null }),
};
