/** The key of --api-key, which every request of a client must carry. */
import { digestOf, type KeyDigest } from './digest.ts';

export class ClientKey {
  readonly #digest: KeyDigest;

  constructor(key: string) {
    this.#digest = digestOf(key);
  }

  isKey(key: string): boolean {
    return digestOf(key) === this.#digest;
  }
}
