/** The gate of a router without keys or limits of its own, as compose.ts builds it. */
import { closedPaths } from '../../src/router/proxy/gate/closed-paths.ts';
import { contentType } from '../../src/router/proxy/gate/content-type.ts';
import { type Check, Gate } from '../../src/router/proxy/gate/gate.ts';
import { method } from '../../src/router/proxy/gate/method.ts';
import { payloadSize } from '../../src/router/proxy/gate/payload-size.ts';
import { unservedInPairs } from '../../src/router/proxy/gate/unserved-in-pairs.ts';

/** `more`: checks after the usual ones. */
export function standardGate(maxPayloadBytes: number, isPaired: boolean, more: readonly Check[] = []): Gate {
  return new Gate([method, closedPaths, payloadSize({ maxPayloadBytes }), contentType, ...(isPaired ? [unservedInPairs] : []), ...more]);
}
