/** What kind of service an entry of `services` is. Some kinds have keys of their own in schema 1. */
import { type MapTree, plainOf } from './tree.ts';

const BUILT_IN: ReadonlySet<string> = new Set(['etcd', 'nats', 'mooncake-master']);
const EXPORTERS: ReadonlySet<string> = new Set(['dcgm-exporter', 'node-exporter', 'gpu-exporter', 'cpu-power-exporter']);

/** Has keys of its own in schema 1. */
export function isBuiltIn(type: string): boolean {
  return BUILT_IN.has(type);
}

export function isExporter(type: string): boolean {
  return EXPORTERS.has(type);
}

export function serviceType(service: MapTree): string {
  const type = service.entries.get('type');
  const word = type === undefined ? '' : String(plainOf(type.value) ?? '');
  return word === '' ? 'generic' : word;
}
