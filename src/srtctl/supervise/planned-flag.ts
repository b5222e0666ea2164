/** Values of flags in the command lines of a plan. */
import { type Plan, type PlannedProcess, TIERS } from '../plan/plan.ts';

/** `--flag value` or `--flag=value`, the last one; null: not given. */
export function flagOf(process: PlannedProcess, flag: string): string | null {
  const at = process.argv.lastIndexOf(flag);
  if (at >= 0) return process.argv[at + 1] ?? null;
  return process.argv.findLast((word) => word.startsWith(`${flag}=`))?.slice(flag.length + 1) ?? null;
}

/** The key that requests to a process need; null: none. */
export function keyOf(process: PlannedProcess): string | null {
  return flagOf(process, '--api-key');
}

/** The key that clients of the fleet need: that of its routers, which pass it on, or else of its workers. */
export function clientKeyOf(plan: Plan): string | null {
  const byTier = (tier: number): string | null =>
    plan.processes
      .filter((one) => one.tier === tier)
      .map(keyOf)
      .find((key) => key !== null) ?? null;
  return byTier(TIERS.routers) ?? byTier(TIERS.workers);
}
