/** How the prefix index keeps the owners of an entry: in three words of the entry, and in tables of the store. */
export interface OwnerStore {
  /** Owners that an entry can have. */
  readonly most: number;
  /** Allocated outside the entries. */
  readonly bytes: number;
  /** Makes `token` the only owner. The words are zero before. */
  begin(words: Int32Array, at: number, token: number, stamp: number): void;
  /** Adds an owner, or gives it the new stamp. True: the parents of the entry need not be visited. */
  add(words: Int32Array, at: number, token: number, stamp: number): boolean;
  /** Owners of the entry. O(1) or nearly. */
  count(words: Int32Array, at: number): number;
  /** The `i`-th owner (0 .. most-1), 0 for none; the first 0 ends the set. */
  token(words: Int32Array, at: number, i: number): number;
  /** What `begin` or `add` was given with the `i`-th owner last; 0 if the store keeps no stamps. */
  stamp(words: Int32Array, at: number, i: number): number;
  /** Removes the tokens that are dead. Returns how many owners remain. */
  dropDead(words: Int32Array, at: number, isDead: (token: number) => boolean): number;
  /** The entry is freed. */
  release(words: Int32Array, at: number): void;
}
