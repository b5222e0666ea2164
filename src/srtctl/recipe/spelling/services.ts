/** `services` of schema 2: etcd, NATS and a Mooncake master have keys of their own in schema 1; others stay where they are. */

import { isBuiltIn, serviceType } from '../text/service-type.ts';
import { type MapEntry, type MapTree, mapTree, type Path, plainOf, scalarTree } from '../text/tree.ts';
import type { TreeMover } from './tree-mover.ts';

const DEDICATED: Path = ['infra', 'etcd_nats_dedicated_node'];
const PAYLOAD: Path = ['infra', 'nats_max_payload_mb'];
const MOONCAKE: Path = ['backend', 'mooncake_kv_store'];

/** What a service of these types may say. */
const KEYS: ReadonlySet<string> = new Set([
  'name',
  'type',
  'placement',
  'options',
  'enabled',
  'external',
  'container',
  'args',
  'critical',
  'start',
  // They run on the host and are ready in a moment.
  'readiness',
]);

export function moveServices(mover: TreeMover): void {
  const services = mover.take(['services']);
  if (services === null || (services.value.kind === 'scalar' && services.value.value === null)) return;
  if (services.value.kind !== 'list') {
    mover.problem(services.value, ['services'], 'expected a list of services');
    return;
  }
  for (const [at, item] of services.value.items.entries()) {
    const path = ['services', at];
    if (item.kind !== 'map') mover.problem(item, path, 'expected a block with name and type');
    else readService(mover, item, path);
  }
  // Places of the list stay what they are, and its built-in services are passed over later.
  const others = services.value.items.filter((item) => item.kind === 'map' && !isBuiltIn(serviceType(item)));
  if (others.length > 0) mover.put(['services'], services, ['services']);
}

function readService(mover: TreeMover, service: MapTree, path: Path): void {
  const type = serviceType(service);
  if (!isBuiltIn(type)) return;
  const isEnabled = plainOf(service.entries.get('enabled')?.value ?? scalarTree(true, service.at));
  if (String(isEnabled) === 'false') {
    if (type === 'etcd' || type === 'nats')
      mover.problem(service, [...path, 'enabled'], `got false: Dynamo mode needs ${type}`, 'remove it');
    return;
  }
  for (const [key, { value }] of service.entries)
    if (!KEYS.has(key) || key === 'external')
      mover.problem(value, [...path, key], `srtctl takes no ${key} of a service ${type}`, 'remove it');
  const placement = service.entries.get('placement')?.value;
  const node = placement?.kind === 'map' ? placement.entries.get('node') : undefined;
  if (node !== undefined && plainOf(node.value) === 'dedicated')
    once(mover, DEDICATED, { ...node, value: scalarTree(true, node.value.at) }, [...path, 'placement', 'node']);
  if (type === 'mooncake-master') readMooncake(mover, service, path);
  else if (type === 'nats') readPayload(mover, service, path);
}

function readPayload(mover: TreeMover, service: MapTree, path: Path): void {
  const options = service.entries.get('options')?.value;
  if (options?.kind !== 'map') return;
  for (const [key, entry] of options.entries) {
    const written = [...path, 'options', key];
    if (key === 'max_payload_mb') mover.put(PAYLOAD, entry, written);
    else mover.problem(entry.value, written, 'unknown option of nats', 'the only option is max_payload_mb');
  }
}

/** The store exists even if the service says nothing about it. */
function readMooncake(mover: TreeMover, service: MapTree, path: Path): void {
  mover.put(MOONCAKE, { keyAt: service.at, value: mapTree(new Map(), service) }, path);
  const container = service.entries.get('container');
  if (container !== undefined) mover.put([...MOONCAKE, 'container'], container, [...path, 'container']);
  const args = service.entries.get('args');
  if (args !== undefined) mover.put([...MOONCAKE, 'master_extra_args'], args, [...path, 'args']);
}

/** etcd and NATS share one node. */
function once(mover: TreeMover, place: Path, entry: MapEntry, written: Path): void {
  if (mover.has(place)) return;
  mover.put(place, entry, written);
}
