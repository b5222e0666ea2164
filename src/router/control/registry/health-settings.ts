/** How the health of one worker is judged: the router's settings, and what the source of a worker sets in their place. */

export interface HealthSettings {
  /** False: no probes. The worker is ready when it is registered, and only its connections speak against it. */
  readonly isChecked: boolean;
  /** Limit of a probe of `/ready`, or of the explicit endpoint. */
  readonly timeoutMs: number;
  /** Between probes of a worker that is up. */
  readonly intervalMs: number;
  /** Failed probes in a row that take a worker out; 1 or more. A refused connection takes it out at once. */
  readonly failureThreshold: number;
  /** Passed probes in a row that bring back a worker that was unready; 1 or more. */
  readonly successThreshold: number;
}

/** What a source sets for one worker. Absent: as the router. */
export type WorkerHealth = Partial<HealthSettings>;

/** Source: sglang_router 0.3.2, except the interval, which is 60 s there. */
export const DEFAULT_HEALTH: HealthSettings = {
  isChecked: true,
  timeoutMs: 5000,
  intervalMs: 10_000,
  failureThreshold: 3,
  successThreshold: 2,
};

export function isSameHealth(a: HealthSettings, b: HealthSettings): boolean {
  return (Object.keys(a) as (keyof HealthSettings)[]).every((key) => a[key] === b[key]); // Both have all keys.
}
