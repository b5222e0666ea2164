/** The keys that the settings give. */
import { ClientKey } from './client-key.ts';
import { type ControlKeys, controlKeys } from './control-keys.ts';

/** Null: requests need no key. */
export function clientKeyOf({ apiKey }: { readonly apiKey: string | null }): ClientKey | null {
  return apiKey === null ? null : new ClientKey(apiKey);
}

/** Null: the control API has no keys of its own. */
export function controlKeysOf({ controlPlaneApiKeys }: { readonly controlPlaneApiKeys: readonly string[] }): ControlKeys | null {
  return controlPlaneApiKeys.length === 0 ? null : controlKeys(controlPlaneApiKeys);
}
