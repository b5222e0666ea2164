/** A client that waits for `100 Continue` before it sends its body, and no worker that could take the request: 503, and no body is sent. */
import type { FleetCell } from '../../../base/core/fleet.ts';
import type { WorkerType } from '../../../base/core/worker.ts';
import { noWorker } from '../routing/no-worker.ts';
import type { PairedKind } from '../routing/routes.ts';
import type { Check } from './gate.ts';

/** `isPaired`: prefill and decode are divided. */
export function expectedBody(fleet: FleetCell, isPaired: boolean): Check {
  return ({ head, route }) => {
    if (!head.expectContinue || route.kind === 'local') return null;
    const { current } = fleet;
    const missing = (isPaired ? typesOf(route.paired) : REGULAR).find((type) => current.eligible[type].length === 0);
    return missing === undefined ? null : noWorker(current, missing);
  };
}

const REGULAR: readonly WorkerType[] = ['regular'];
const PAIR: readonly WorkerType[] = ['prefill', 'decode'];
const PREFILL: readonly WorkerType[] = ['prefill'];

/** Types of the workers that a request needs, one of each. */
function typesOf(paired: PairedKind): readonly WorkerType[] {
  return paired === 'pair' ? PAIR : PREFILL;
}
