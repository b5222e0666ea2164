/** slurm, with the defaults of the cluster file, and health_check; both are times that must fit each other. */

import { DEFAULTS } from '../schema/defaults.ts';
import type { RecipeInput } from '../schema/recipe-schema.ts';
import { type Findings, shown } from '../text/findings.ts';
import type { Cluster } from './cluster.ts';
import type { HealthCheck, SlurmRequest } from './recipe.ts';
import { timeLimitSeconds } from './time-limit.ts';

/** Longer limits are told: no partition that shares its nodes allows them. */
const PLAUSIBLE_SECONDS = 14 * 86_400;

export function resolveSlurm(input: RecipeInput, cluster: Cluster, findings: Findings): SlurmRequest {
  const given = input.slurm ?? {};
  const timeLimit = given.time_limit === undefined ? cluster.timeLimit : String(given.time_limit);
  const seconds = timeLimit === null ? null : timeLimitSeconds(timeLimit);
  const path = ['slurm', 'time_limit'];
  if (given.time_limit !== undefined) {
    if (seconds === null)
      findings.problem(
        path,
        `got ${shown(given.time_limit)}, expected a time as SLURM writes it`,
        'for example 04:00:00, 1-12:00:00 or 90 (minutes)',
      );
    else if (seconds <= 0) findings.problem(path, `got ${shown(given.time_limit)}, which is no time at all`);
    else if (seconds > PLAUSIBLE_SECONDS)
      findings.warn(path, `got ${shown(given.time_limit)}, which is ${Math.round(seconds / 86_400)} days`);
  }
  return {
    account: given.account ?? cluster.account,
    partition: given.partition ?? cluster.partition,
    timeLimit,
    timeLimitSeconds: seconds === Number.POSITIVE_INFINITY ? null : seconds,
  };
}

export function resolveHealthCheck(input: RecipeInput, cluster: Cluster, slurm: SlurmRequest, findings: Findings): HealthCheck {
  const given = input.health_check;
  const own = given === undefined ? cluster.healthCheck : null;
  const check = own ?? healthCheck(given ?? {});
  if (slurm.timeLimitSeconds !== null && slurm.timeLimitSeconds > 0 && check.timeoutMs >= slurm.timeLimitSeconds * 1000) {
    const path = input.slurm?.time_limit === undefined ? ['health_check'] : ['slurm', 'time_limit'];
    const wait = `the wait for readiness may take ${Math.round(check.timeoutMs / 1000)} s`;
    findings.warn(
      path,
      `${slurm.timeLimit} is all the time of the job, but ${wait}`,
      'ask for more time, or lower health_check.max_attempts',
    );
  }
  return check;
}

export function healthCheck(given: NonNullable<RecipeInput['health_check']>): HealthCheck {
  const intervalMs = Number(given.interval_seconds ?? DEFAULTS.healthIntervalSeconds) * 1000;
  return {
    intervalMs,
    timeoutMs: intervalMs * Number(given.max_attempts ?? DEFAULTS.healthAttempts),
    silenceMs: Number(given.silence_secs ?? DEFAULTS.silenceSeconds) * 1000,
  };
}
