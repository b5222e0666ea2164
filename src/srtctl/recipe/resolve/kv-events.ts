/** backend.kv_events_config: whether workers publish events of their KV caches, and how. */
import { type Findings, shown } from '../text/findings.ts';
import { findTree, type Path, plainOf, type Tree } from '../text/tree.ts';
import type { WorkerRole } from './recipe.ts';

const STANDARD = { publisher: 'zmq', topic: 'kv-events' } as const;
/** The plan gives each worker a port of its own. */
const PLANNED: ReadonlySet<string> = new Set(['endpoint', 'endpoints']);

/** `true` for all roles; by role `true`, `false` or a block. Null: no events. */
export function resolveKvEvents(role: WorkerRole, tree: Tree, findings: Findings): Readonly<Record<string, unknown>> | null {
  const path = ['backend', 'kv_events_config'];
  const whole = findTree(tree, path);
  if (whole === null) return null;
  if (whole.kind === 'map') return eventsOf(findTree(whole, [role]), [...path, role], findings);
  return eventsOf(whole, path, findings);
}

function eventsOf(tree: Tree | null, path: Path, findings: Findings): Readonly<Record<string, unknown>> | null {
  if (tree === null) return null;
  const value = plainOf(tree);
  if (value === null || value === false || value === 'false' || value === '') return null;
  if (value === true || value === 'true') return STANDARD;
  if (tree.kind !== 'map') {
    findings.problem(path, `got ${shown(value)}, expected true, false or a block with publisher and topic`);
    return null;
  }
  const given = Object.entries(value as Record<string, unknown>).filter(([key]) => !PLANNED.has(key));
  return { ...STANDARD, ...Object.fromEntries(given) };
}
