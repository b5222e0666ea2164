/** Turns what a source wants into changes of the fleet. */
import type { Worker } from '../../../base/core/worker.ts';
import type { FleetEdit } from './fleet-edit.ts';
import type { Entry, FleetTable } from './fleet-table.ts';
import type { DesiredWorker, Source } from './source.ts';
import { isSameOptions, type WorkerOptions } from './worker-options.ts';
import type { WorkerRecord } from './worker-record.ts';

/**
 * What became of a desired worker. added: it is registered now. known: it was registered already. conflict: it is registered with
 * another role or bootstrap port, and stays that. full: the router holds as many workers as it can.
 */
export type DesireResult = { readonly kind: 'added' | 'known' | 'conflict'; readonly record: WorkerRecord } | { readonly kind: 'full' };

/**
 * A lasting source claims every worker that it names and drops its claims to all others. A one-time source claims only workers that it
 * registers; a worker that is registered already stays as it is. It drops its claims to `dropped`, URLs. A worker is removed with its last
 * claim.
 */
export function reconcile(
  table: FleetTable,
  edit: FleetEdit,
  source: Source,
  workers: readonly DesiredWorker[],
  dropped: readonly string[],
): readonly DesireResult[] {
  for (const url of dropped) {
    const entry = table.byUrl.get(url);
    if (entry !== undefined) dropClaim(edit, entry, source);
  }
  if (source.isLasting) {
    const wanted = new Set(workers.map(({ address }) => address.url));
    for (const entry of table.byUrl.values()) if (!wanted.has(entry.worker.url)) dropClaim(edit, entry, source);
  }
  const named = new Set<string>();
  return workers.map((worker) => {
    const { url } = worker.address;
    const known = table.byUrl.get(url);
    const isRepeated = named.has(url);
    named.add(url);
    if (known === undefined) return isRepeated ? { kind: 'full' } : create(edit, source, worker);
    if (isRepeated) return { kind: hasOtherRole(known.worker, worker.options) ? 'conflict' : 'known', record: known };
    return claim(edit, known, source, worker);
  });
}

/** Edits the claims to a worker, and describes it anew if other options hold now. */
export function changeClaims(edit: FleetEdit, entry: Entry, change: () => void): void {
  const { claims } = entry;
  const before = claims.options;
  change();
  if (!isSameOptions(before, claims.options)) edit.renew(entry);
}

function claim(edit: FleetEdit, known: Entry, source: Source, wanted: DesiredWorker): DesireResult {
  if (hasOtherRole(known.worker, wanted.options)) {
    // If its only source gives it another role, it is another worker at the same URL.
    return source.isLasting && dropClaim(edit, known, source) ? create(edit, source, wanted) : { kind: 'conflict', record: known };
  }
  if (source.isLasting) {
    const { bootstrapPort } = known.worker;
    changeClaims(edit, known, () => known.claims.set(source, { ...wanted.options, bootstrapPort }));
  }
  return { kind: 'known', record: known };
}

function create(edit: FleetEdit, source: Source, worker: DesiredWorker): DesireResult {
  const entry = edit.create(source, worker);
  return entry === null ? { kind: 'full' } : { kind: 'added', record: entry };
}

/** Returns true if the worker was removed with the claim. */
function dropClaim(edit: FleetEdit, entry: Entry, source: Source): boolean {
  const { claims } = entry;
  if (!claims.has(source)) return false;
  const isOnly = claims.isOnly(source);
  if (isOnly) edit.drop(entry, source);
  else changeClaims(edit, entry, () => claims.drop(source));
  return isOnly;
}

/** An engine that restarted in another role must not be used in the old one. A source that names no bootstrap port accepts any. */
function hasOtherRole({ type, bootstrapPort }: Worker, options: WorkerOptions): boolean {
  return options.type !== type || (options.bootstrapPort !== null && options.bootstrapPort !== bootstrapPort);
}
