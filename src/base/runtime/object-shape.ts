/**
 * Room for the fields of objects that come and go with requests.
 *
 * V8 first gives the objects of a class more room than they need. When the seventh is made it cuts that back to the fields that it
 * has seen, by looking at the descriptions of shapes that still exist; and those of a class without living objects are gone after a
 * full collection (V8: in-object slack tracking). A router whose first requests come slowly, with such collections between
 * them as idling brings, is left with no room at all. Objects with more than twelve private fields or symbols outside of it then become
 * dictionaries, and stay so for the life of the process: measured with event streams, where it struck the sockets of two routers in
 * three, an eighth more CPU for each event.
 */

/** V8 decides when the seventh object is made. */
export const UNDECIDED = 8;

/** Keeps the first object of a class alive until V8 has decided. One for each class, with more than twelve private fields. */
export class ShapeKeeper {
  #kept: object | null = null;
  #left = UNDECIDED;

  /** At the end of the constructor. */
  made(object: object): void {
    if (this.#left === 0) return;
    this.#kept ??= object;
    if (--this.#left === 0) this.#kept = null;
  }
}
