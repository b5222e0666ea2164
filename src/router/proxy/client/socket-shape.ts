/**
 * Room for the fields of sockets.
 *
 * V8 first gives the objects of a class more room than they need. When the seventh is made it cuts that back to the fields that it
 * has seen, by looking at the descriptions of shapes that still exist; a full collection drops those of a class without living objects
 * (V8: in-object slack tracking). A router whose first requests come slowly, with such collections between them as idling brings, is left
 * with no room at all. Objects with more than twelve private fields or symbols outside of it then become dictionaries, and stay so for the
 * life of the process. The sockets of Node have that many: an eighth more CPU for each event of a stream (test/object-shapes.test.ts
 * shows the dictionaries). Classes of the router stay below thirteen fields instead.
 */
import net from 'node:net';

/** V8 decides when the seventh object is made. */
const UNDECIDED = 8;

/** Makes as many sockets as V8 needs to see, all alive at the same time. Before the first real ones. */
export function settleSocketShape(): void {
  // Not in the public types of the constructor, as in shared-receive.ts.
  const options = { onread: { buffer: Buffer.alloc(1), callback: () => true } } as net.SocketConstructorOpts;
  const sockets: net.Socket[] = [];
  while (sockets.length < UNDECIDED) sockets.push(new net.Socket(options));
}
