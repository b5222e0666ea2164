/** The keys of --control-plane-api-keys: who may use the control API. Source of the form and of the roles: sglang_router 0.3.2. */
import { digestOf, type KeyDigest } from './digest.ts';

/** admin: everything. user: known, but not allowed to use the control API. */
export type Role = 'admin' | 'user';

export interface Principal {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
}

export class ControlKeys {
  readonly #byDigest: ReadonlyMap<KeyDigest, Principal>;

  constructor(byDigest: ReadonlyMap<KeyDigest, Principal>) {
    this.#byDigest = byDigest;
  }

  /** Null: nobody has this key. */
  find(key: string): Principal | null {
    return this.#byDigest.get(digestOf(key)) ?? null;
  }
}

/** `texts`: ID:NAME:ROLE:KEY; the key may hold colons. Of two entries with one key the later one counts. Throws RangeError for other texts. */
export function controlKeys(texts: readonly string[]): ControlKeys {
  const entries = texts.map((text): readonly [KeyDigest, Principal] => {
    const [, id, name, role, key] = /^([^:]+):([^:]+):(admin|user):(.+)$/.exec(text) ?? [];
    if (id === undefined || name === undefined || key === undefined || (role !== 'admin' && role !== 'user')) {
      throw new RangeError('expected id:name:role:key with a role of admin or user');
    }
    return [digestOf(key), { id, name, role }];
  });
  return new ControlKeys(new Map(entries));
}
