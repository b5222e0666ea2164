/** How many workers a router holds. */

/** Registered workers (or ranks), and removed ones that still have requests in flight. */
export const MAX_WORKERS = 8192;

export function tooManyWorkers(): string {
  return `The router holds at most ${MAX_WORKERS} workers, counting removed ones that still finish requests`;
}
