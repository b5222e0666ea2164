/** Keeps the process from ending for want of things to do. */

const A_DAY_MS = 86_400_000;

/**
 * Until the returned function is called, Node does not take waiting for the end of all work: the clock's timers do not count as work, so a
 * program that awaits only them would end (status 13).
 */
export function stayAlive(): () => void {
  const timer = setInterval(() => {}, A_DAY_MS);
  return () => clearInterval(timer);
}
