/** What the source of a worker says about it. */
import type { WorkerType } from '../../../base/core/worker.ts';

export interface WorkerOptions {
  readonly type: WorkerType;
  readonly apiKey: string | null;
  /** null: what the worker reports about itself. */
  readonly modelId: string | null;
  readonly priority: number;
  readonly cost: number;
  readonly bootstrapPort: number | null;
  readonly labels: Readonly<Record<string, string>>;
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
};

export function isSameOptions(a: WorkerOptions, b: WorkerOptions): boolean {
  return isSame({ ...a, labels: null }, { ...b, labels: null }) && isSame(a.labels, b.labels);
}

function isSame(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && a[name] === b[name]);
}
