/** Keeps Node from ending the process while it waits for a timer of the clock. */

const A_DAY_MS = 86_400_000;

/**
 * The clock's timers do not keep a process alive, so a program that awaits only them would end (status 13). Keeps it alive until the
 * returned function is called.
 */
export function stayAlive(): () => void {
  const timer = setInterval(() => {}, A_DAY_MS);
  return () => clearInterval(timer);
}
