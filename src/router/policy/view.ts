/** The view of one pool of workers: what the control plane says of eligibility, and the loads that the data plane counts. */
import type { LoadTable } from '../../base/core/load.ts';
import { HeapLoadOrder } from '../../base/core/load-order.ts';
import { NONE, type WorkerIndex } from '../../base/core/worker.ts';
import type { FleetView } from './contract.ts';

export class FleetViewState implements FleetView {
  eligible: Int32Array = new Int32Array(0);
  readonly order: HeapLoadOrder;
  /** Set before select for a retry; whoever sets it puts NONE back. */
  excluded: WorkerIndex = NONE;
  readonly #loads: LoadTable;

  /** Observes `loads` for the life of the table. */
  constructor(loads: LoadTable) {
    this.#loads = loads;
    this.order = new HeapLoadOrder(loads);
  }

  get inflight(): Int32Array {
    return this.#loads.inflight;
  }
  get processed(): Float64Array {
    return this.#loads.processed;
  }

  /** `workers`: distinct indices, ascending; kept, and not to be changed afterwards. The same array again costs nothing. */
  setEligible(workers: Int32Array): void {
    if (workers === this.eligible) return;
    this.eligible = workers;
    this.order.setEligible(workers);
  }
}
