/** Room for the fields of sockets: as `runtime/object-shape.ts`, for a class whose constructor is Node's. */
import net from 'node:net';
import { ShapeKeeper, UNDECIDED } from '../../../base/runtime/object-shape.ts';

/** Makes as many sockets as V8 needs to see. Before the first real ones. */
export function settleSocketShape(): void {
  // Not in the public types of the constructor, as in shared-receive.ts.
  const options = { onread: { buffer: Buffer.alloc(1), callback: () => true } } as net.SocketConstructorOpts;
  const keeper = new ShapeKeeper();
  for (let i = 0; i < UNDECIDED; i++) keeper.made(new net.Socket(options));
}
