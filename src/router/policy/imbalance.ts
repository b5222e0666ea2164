/** When loads are so far apart that a policy sets its own idea aside. */
import type { FleetView, PolicySettings } from './contract.ts';

/** Source: sglang_router 0.3.2. O(1). */
export function isImbalanced(view: FleetView, settings: PolicySettings): boolean {
  const min = view.minLoad();
  const max = view.maxLoad();
  return max - min > settings.balanceAbsThreshold && max > min * settings.balanceRelThreshold;
}
