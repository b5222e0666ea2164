/** What exchanges need to send requests to workers, shared by all of them. */
import type { AttemptListener, FleetCell } from '../../../base/core/fleet.ts';
import type { LoadTable } from '../../../base/core/load.ts';
import type { WorkerIndex } from '../../../base/core/worker.ts';
import type { Turn } from '../turn.ts';
import type { Upstream } from '../upstream/seam.ts';
import type { SeriesTable } from './series-table.ts';

export interface AttemptParts {
  readonly turn: Turn;
  readonly load: LoadTable;
  readonly series: SeriesTable;
  readonly attempts: AttemptListener;
}

export interface Dispatch extends AttemptParts {
  readonly fleet: FleetCell;
  readonly upstreams: { find(worker: WorkerIndex): Upstream | undefined };
}
