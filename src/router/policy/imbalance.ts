/** When the loads of workers are so far apart that a policy ignores its own rule and chooses the least loaded worker. */
import { setting, type ValuesOf } from '../setting/setting.ts';
import { float, int } from '../setting/shape.ts';
import type { FleetView } from './contract.ts';

const ANY = Number.MAX_SAFE_INTEGER;

export const IMBALANCE_SETTINGS = {
  balanceAbsThreshold: setting(int('COUNT', { min: 0, max: ANY }), {
    group: 'routing',
    describe:
      'cache_aware, bucket: loads are out of balance when they differ by more requests than this, and by the relative threshold too',
    origin: '0.3.2',
    default: 64,
    reloadable: true,
  }),
  balanceRelThreshold: setting(float('FACTOR', { min: 1, max: ANY }), {
    group: 'routing',
    describe:
      'cache_aware, bucket: loads are out of balance when the largest exceeds the smallest times this, and the absolute threshold too',
    origin: '0.3.2',
    default: 1.5,
    reloadable: true,
  }),
};

/** Source of the rule: sglang_router 0.3.2. O(1). */
export function isImbalanced(view: FleetView, values: ValuesOf<typeof IMBALANCE_SETTINGS>): boolean {
  const min = view.minLoad();
  const max = view.maxLoad();
  return max - min > values.balanceAbsThreshold && max > min * values.balanceRelThreshold;
}
