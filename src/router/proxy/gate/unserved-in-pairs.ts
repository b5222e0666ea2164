/** Routes that no engine of a prefill-decode pair can serve alone: 501. For a router of pairs. */
import type { Check } from './gate.ts';

export const unservedInPairs: Check = ({ head, route }) => {
  if (route.paired !== 'refused') return null;
  const message = `${head.path} is not served while prefill and decode are divided: ask a router of regular workers`;
  return { code: 'not_implemented', message };
};
