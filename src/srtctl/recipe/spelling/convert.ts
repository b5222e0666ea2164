/** A recipe in the keys of the other schema, with its comments. What a key means in either schema is in to-schema-1.ts. */
import type { DocumentMap, Keys } from '../text/document-map.ts';
import { COLOCATE, modeOf, ROLES, rolePaths, type SchemaRole } from './role-keys.ts';

/** Of schema 1 -> of schema 2; they hold the same values. */
function sharedMoves(role: SchemaRole): readonly (readonly [one: Keys, two: Keys])[] {
  return Object.entries(rolePaths(role)).map(([key, path]) => [path.map(String), ['roles', role, key]]);
}

const DYNAMO: readonly (readonly [one: Keys, two: Keys])[] = [
  [
    ['dynamo', 'version'],
    ['dynamo', 'source', 'pypi'],
  ],
  [
    ['dynamo', 'wheel'],
    ['dynamo', 'source', 'wheel'],
  ],
  [
    ['dynamo', 'hash'],
    ['dynamo', 'source', 'rev'],
  ],
  [
    ['dynamo', 'cargo_patches'],
    ['dynamo', 'source', 'patches'],
  ],
];

/** Keys that router mode had under `backend` at first. */
const SEED_KEYS = ['enable_multiple_frontends', 'num_additional_frontends', 'router'] as const;

/** `base`: the recipe that a variant changes; the recipe itself elsewhere. */
export function toSchema2(recipe: DocumentMap, base: DocumentMap): void {
  moveFrontendUp(recipe);
  const isDynamo = (base.plain(['frontend', 'type']) ?? recipe.plain(['frontend', 'type']) ?? 'dynamo') === 'dynamo';
  recipe.change(['frontend', 'type'], (type) => (type === 'sglang' ? 'sglang-router' : type === 'direct' ? 'sglang' : type));
  splitEvents(recipe);
  recipe.change(['resources', 'decode_nodes'], (nodes) => (Number(nodes) === 0 ? COLOCATE : nodes));
  for (const role of ROLES) for (const [one, two] of sharedMoves(role)) recipe.move(one, two);
  moveEngineUp(recipe, recipe === base);
  foldPlacement(recipe, 'frontend', 'orchestrator_placement', 'dedicated_node');
  foldPlacement(recipe, 'benchmark', 'client_placement', 'client_dedicated_node');
  foldInfra(recipe, isDynamo);
  if (!recipe.has(['dynamo', 'source'])) for (const [one, two] of DYNAMO) recipe.move(one, two);
}

export function toSchema1Keys(recipe: DocumentMap): void {
  recipe.change(['frontend', 'type'], (type) => (type === 'sglang-router' ? 'sglang' : type === 'sglang' ? 'direct' : type));
  if (typeof recipe.plain(['engine']) === 'string') recipe.move(['engine'], ['backend', 'type']);
  for (const key of recipe.keys(['engine'])) recipe.move(['engine', key], ['backend', key]);
  recipe.change(['roles', 'decode', 'nodes'], (nodes) => (nodes === COLOCATE ? 0 : nodes));
  for (const role of ROLES) {
    for (const [one, two] of sharedMoves(role)) recipe.move(two, one);
    recipe.move(['roles', role, 'critical'], ['resources', `${role}_critical`]);
    recipe.move(['roles', role, 'sidecar'], ['dynamo', 'sidecar']);
    recipe.move(['roles', role, 'engine'], ['backend', 'type']);
    // Without a meaning here, and unknown to schema 1.
    recipe.remove(['roles', role, 'restart']);
  }
  unfoldPlacement(recipe, 'frontend', 'orchestrator_placement', 'dedicated_node');
  unfoldPlacement(recipe, 'benchmark', 'client_placement', 'client_dedicated_node');
  if (!recipe.has(['dynamo', 'source', 'git']) && !recipe.has(['dynamo', 'source', 'sha']))
    for (const [one, two] of DYNAMO) recipe.move(two, one);
}

function moveFrontendUp(recipe: DocumentMap): void {
  for (const block of ['backend', 'frontend'] as const) {
    const path = [block, 'use_sglang_router'];
    if (!recipe.has(path)) continue;
    const type = String(recipe.plain(path)) === 'true' ? 'sglang' : 'dynamo';
    recipe.move(path, ['frontend', 'type']);
    recipe.change(['frontend', 'type'], () => type);
  }
  for (const key of SEED_KEYS) recipe.move(['backend', key], ['frontend', key]);
  for (const key of ['sglang_router_args', 'dynamo_frontend_args'])
    if (!recipe.has(['frontend', 'args'])) recipe.move(['frontend', key], ['frontend', 'args']);
}

/** One word for all roles becomes one for each. */
function splitEvents(recipe: DocumentMap): void {
  const path = ['backend', 'kv_events_config'];
  const all = recipe.plain(path);
  if (typeof all !== 'boolean') return;
  recipe.remove(path);
  for (const role of ROLES) {
    const hasRole = recipe.has(['resources', `${role}_workers`]) || recipe.has(['backend', 'sglang_config', modeOf(role)]);
    if (all && hasRole) recipe.set(['roles', role, 'kv_events'], true, 'backend');
  }
}

function moveEngineUp(recipe: DocumentMap, isWhole: boolean): void {
  const keys = recipe.keys(['backend']);
  if (keys.length === 1 && keys[0] === 'type') recipe.move(['backend', 'type'], ['engine']);
  for (const key of recipe.keys(['backend'])) recipe.move(['backend', key], ['engine', key]);
  recipe.remove(['backend']);
  if (isWhole && !recipe.has(['engine'])) recipe.set(['engine'], 'sglang', 'resources');
  else if (isWhole && recipe.keys(['engine']).length > 0 && !recipe.has(['engine', 'type'])) recipe.set(['engine', 'type'], 'sglang');
}

function foldPlacement(recipe: DocumentMap, block: string, place: string, dedicated: string): void {
  const node = [block, 'placement', 'node'];
  const isDedicated = recipe.plain([block, dedicated]);
  recipe.move([block, place], node);
  if (isDedicated === true) {
    recipe.move([block, dedicated], node);
    recipe.change(node, () => 'dedicated');
  } else recipe.remove([block, dedicated]);
}

function unfoldPlacement(recipe: DocumentMap, block: string, place: string, dedicated: string): void {
  const node = [block, 'placement', 'node'];
  if (recipe.plain(node) !== 'dedicated') {
    recipe.move(node, [block, place]);
    return;
  }
  recipe.move(node, [block, dedicated]);
  recipe.change([block, dedicated], () => true);
}

/** Without etcd and NATS the block has no meaning. */
function foldInfra(recipe: DocumentMap, isDynamo: boolean): void {
  const isDedicated = recipe.plain(['infra', 'etcd_nats_dedicated_node']) === true;
  const payload = recipe.plain(['infra', 'nats_max_payload_mb']) ?? null;
  recipe.remove(['infra']);
  if (!isDynamo || (!isDedicated && payload === null)) return;
  const placement = (): object => (isDedicated ? { placement: { node: 'dedicated' } } : {});
  const services = [
    ...(isDedicated ? [{ name: 'etcd', type: 'etcd', ...placement() }] : []),
    { name: 'nats', type: 'nats', ...placement(), ...(payload === null ? {} : { options: { max_payload_mb: payload } }) },
  ];
  const others = recipe.plain(['services']);
  recipe.set(['services'], [...services, ...(Array.isArray(others) ? others : [])], 'resources');
}
