/**
 * Recipes of schema 2 (`engine`, `roles`, `placement`, `services`) in the keys of schema 1, which the rest of srtctl reads. Values keep the
 * place at which they were written, and messages their path.
 */
import { nearest } from '../../../base/config/suggest.ts';
import type { Problem } from '../text/problem.ts';
import { formatPath, type MapEntry, type MapTree, type Path, plainOf, scalarTree } from '../text/tree.ts';
import { type Renamed, takeEntry } from './moves.ts';
import { COLOCATE, ROLES, rolePaths, type SchemaRole } from './role-keys.ts';
import { moveServices } from './services.ts';
import { TreeMover } from './tree-mover.ts';

export interface Schema1 {
  readonly tree: MapTree;
  readonly renamed: Renamed;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

export function toSchema1(root: MapTree): Schema1 {
  const mover = new TreeMover(root);
  const version = mover.take(['schema']);
  const isSecond = version !== null && String(plainOf(version.value)) === '2';
  if (version !== null && !isSecond && String(plainOf(version.value)) !== '1')
    mover.problem(version.value, ['schema'], `got ${JSON.stringify(plainOf(version.value))}, expected 1 or 2`);
  moveEngine(mover);
  for (const role of ROLES) moveRole(mover, role);
  refuseOtherRoles(mover);
  movePlacement(mover, 'frontend', 'orchestrator_placement', 'dedicated_node');
  movePlacement(mover, 'benchmark', 'client_placement', 'client_dedicated_node');
  moveServices(mover);
  if (isSecond) moveDirectFrontend(mover);
  const { tree, renamed, problems, warnings } = mover;
  return { tree, renamed, problems, warnings };
}

function moveEngine(mover: TreeMover): void {
  const engine = mover.take(['engine']);
  if (engine === null) return;
  if (engine.value.kind !== 'map') {
    mover.put(['backend', 'type'], engine, ['engine']);
    return;
  }
  for (const [key, entry] of engine.value.entries) mover.put(['backend', key], entry, ['engine', key]);
}

function moveRole(mover: TreeMover, role: SchemaRole): void {
  const block = mover.take(['roles', role]);
  if (block === null) return;
  const path = ['roles', role];
  if (block.value.kind !== 'map') {
    if (block.value.kind !== 'scalar' || block.value.value !== null) mover.problem(block.value, path, 'expected a block of keys');
    return;
  }
  const places = rolePaths(role);
  for (const [key, entry] of block.value.entries) {
    const written = [...path, key];
    const place = places[key];
    if (place !== undefined) mover.put(place, key === 'nodes' ? colocated(entry, role) : entry, written);
    else moveRoleKey(mover, key, entry, written, Object.keys(places));
  }
}

/** Keys of a role that belong to the whole recipe here, or to nothing. */
function moveRoleKey(mover: TreeMover, key: string, entry: MapEntry, written: Path, known: readonly string[]): void {
  const value = plainOf(entry.value);
  const isNothing = value === null || value === false || (Array.isArray(value) && value.length === 0);
  switch (key) {
    case 'engine':
      if (entry.value.kind === 'map') {
        for (const [name, inner] of entry.value.entries) moveOnce(mover, ['backend', name], inner, [...written, name]);
      } else moveOnce(mover, ['backend', 'type'], entry, written);
      return;
    case 'sidecar':
      if (!isNothing) moveOnce(mover, ['dynamo', 'sidecar'], entry, written);
      return;
    case 'critical':
      if (value !== true) mover.warn(entry.value, written, 'has no effect here: srtctl ends a run when a worker ends');
      return;
    case 'restart':
      if (!isNothing) mover.warn(entry.value, written, 'has no effect here: srtctl ends a run when a worker ends');
      return;
    case 'extra_args':
      if (!isNothing) mover.problem(entry.value, written, 'only TRT-LLM engines have it', 'write the flags under args');
      return;
    case 'srun_options':
      if (isNothing || Object.keys(value as object).length === 0) return;
      mover.warn(entry.value, written, 'srtctl gives these options to the steps of all processes', 'write srun_options at the top');
      if (entry.value.kind !== 'map') mover.put(['srun_options'], entry, written);
      else for (const [name, inner] of entry.value.entries) moveOnce(mover, ['srun_options', name], inner, [...written, name]);
      return;
    default: {
      const near = nearest(key, known);
      const suggestion = near === null ? `known here: ${known.join(', ')}` : `did you mean ${formatPath([...written.slice(0, -1), near])}?`;
      mover.problem({ ...entry.value, at: entry.keyAt }, written, `unknown key ${JSON.stringify(key)} of a role`, suggestion);
    }
  }
}

/** Roles repeat what holds for all of them. */
function moveOnce(mover: TreeMover, path: Path, entry: MapEntry, written: Path): void {
  const there = takeEntry(mover.tree, path);
  if (there === null) mover.put(path, entry, written);
  else if (JSON.stringify(plainOf(there.entry.value)) !== JSON.stringify(plainOf(entry.value)))
    mover.problem(
      entry.value,
      written,
      `differs from ${JSON.stringify(plainOf(there.entry.value))} of another role`,
      'all workers have one engine',
    );
}

function refuseOtherRoles(mover: TreeMover): void {
  const roles = mover.take(['roles']);
  if (roles === null) return;
  if (roles.value.kind !== 'map') {
    if (roles.value.kind !== 'scalar' || roles.value.value !== null) mover.problem(roles.value, ['roles'], 'expected a block of roles');
    return;
  }
  for (const [name, { keyAt, value }] of roles.value.entries) {
    const near = nearest(name, ROLES);
    const suggestion = near === null ? null : `did you mean ${near}?`;
    mover.problem(
      { ...value, at: keyAt },
      ['roles', name],
      `unknown role ${JSON.stringify(name)}: srtctl knows ${ROLES.join(', ')}`,
      suggestion,
    );
  }
}

/** `placement: {node: dedicated}` is a switch of its own in schema 1. */
function movePlacement(mover: TreeMover, block: 'frontend' | 'benchmark', place: string, dedicated: string): void {
  const written = [block, 'placement'];
  const node = mover.take([...written, 'node']);
  const rest = mover.take(written);
  if (rest?.value.kind === 'map') {
    for (const [key, { value }] of rest.value.entries) mover.problem(value, [...written, key], 'unknown key', 'the only key is node');
  } else if (rest !== null && !(rest.value.kind === 'scalar' && rest.value.value === null))
    mover.problem(rest.value, written, 'expected a block with node');
  if (node === null) return;
  if (plainOf(node.value) === 'dedicated')
    mover.put([block, dedicated], { ...node, value: scalarTree(true, node.value.at) }, [...written, 'node']);
  else mover.put([block, place], node, [...written, 'node']);
}

/** `frontend.type: sglang` is one worker without a router there. */
function moveDirectFrontend(mover: TreeMover): void {
  const type = takeEntry(mover.tree, ['frontend', 'type']);
  if (type === null || plainOf(type.entry.value) !== 'sglang') return;
  const isAlone = Number(mover.plain(['resources', 'agg_workers']) ?? 1) === 1 && mover.plain(['resources', 'prefill_workers']) === null;
  if (!isAlone)
    mover.warn(
      type.entry.value,
      ['frontend', 'type'],
      'sglang is one worker without a router in schema 2, and here are several: the plan starts routers',
      'write sglang-router',
    );
  mover.tree = type.rest;
  mover.put(['frontend', 'type'], { ...type.entry, value: scalarTree(isAlone ? 'direct' : 'sglang-router', type.entry.value.at) }, [
    'frontend',
    'type',
  ]);
}

function colocated(entry: MapEntry, role: SchemaRole): MapEntry {
  const isColocated = role === 'decode' && entry.value.kind === 'scalar' && String(entry.value.value).toLowerCase() === COLOCATE;
  return isColocated ? { ...entry, value: scalarTree(0, entry.value.at) } : entry;
}
