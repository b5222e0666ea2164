/** etcd, NATS and a Mooncake master of schema 2 in the keys of schema 1; other services have none there and stay. */
import type { DocumentMap } from '../text/document-map.ts';

interface Entry {
  readonly type?: string;
  readonly name?: string;
  readonly enabled?: boolean;
  readonly container?: string;
  readonly args?: readonly string[];
  readonly placement?: { readonly node?: string };
  readonly options?: { readonly max_payload_mb?: number };
}

const BUILT_IN = ['etcd', 'nats', 'mooncake-master'];

export function servicesToSchema1(recipe: DocumentMap): void {
  const services = recipe.plain(['services']);
  if (!Array.isArray(services)) return;
  const entries = services as readonly Entry[];
  const built = entries.filter(({ type, enabled }) => BUILT_IN.includes(type ?? '') && enabled !== false);
  if (built.length === 0) return;
  if (built.some(({ placement }) => placement?.node === 'dedicated')) recipe.set(['infra', 'etcd_nats_dedicated_node'], true, 'services');
  const payload = built.find(({ type }) => type === 'nats')?.options?.max_payload_mb;
  if (payload !== undefined) recipe.set(['infra', 'nats_max_payload_mb'], payload, 'services');
  const master = built.find(({ type }) => type === 'mooncake-master');
  if (master !== undefined) {
    const { container, args } = master;
    const store = { ...(container === undefined ? {} : { container }), ...(args === undefined ? {} : { master_extra_args: args }) };
    recipe.set(['backend', 'mooncake_kv_store'], store, 'services');
  }
  const others = entries.filter(({ type }) => !BUILT_IN.includes(type ?? ''));
  if (others.length > 0) recipe.set(['services'], others);
  else recipe.remove(['services']);
}
