/** What the source of a worker says about it. */
import type { WorkerType } from '../../../base/core/worker.ts';
import type { WorkerHealth } from './health-settings.ts';

export interface WorkerOptions {
  readonly type: WorkerType;
  readonly apiKey: string | null;
  /** null: what the worker reports about itself. */
  readonly modelId: string | null;
  readonly priority: number;
  readonly cost: number;
  readonly bootstrapPort: number | null;
  readonly labels: Readonly<Record<string, string>>;
  /** What differs from the router's settings. */
  readonly health: WorkerHealth;
}

/** Source: sglang_router 0.3.2 (priority 50, cost 1.0). */
export const DEFAULT_OPTIONS: WorkerOptions = {
  type: 'regular',
  apiKey: null,
  modelId: null,
  priority: 50,
  cost: 1,
  bootstrapPort: null,
  labels: {},
  health: {},
};

export function isSameOptions(a: WorkerOptions, b: WorkerOptions): boolean {
  const plain = { labels: null, health: null };
  return isSame({ ...a, ...plain }, { ...b, ...plain }) && isSame(a.labels, b.labels) && isSame({ ...a.health }, { ...b.health });
}

function isSame(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && a[name] === b[name]);
}
