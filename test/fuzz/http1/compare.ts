/** The claim under test: what we accept, Node accepts too, with the same content and the same boundaries. */
import { METHODS } from 'node:http';
import type { NodeReading } from './node-requests.ts';
import type { Reading, ReadMessage } from './reading.ts';

export interface Comparison {
  /** Messages that both read alike. */
  readonly same: number;
  /** A breach of the claim; empty without one. */
  readonly difference: string;
  /** Why the rest of the stream was not compared; empty when all of it was. */
  readonly skipped: string;
}

const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS);

/** Compares our reading of a stream of requests with Node's. */
export function compareRequests(ours: Reading, node: NodeReading): Comparison {
  for (const [at, message] of ours.messages.entries()) {
    if (!KNOWN_METHODS.has(message.start.split(' ')[0]!)) return skip(at, 'method that Node does not know');
    const other = node.messages[at];
    const difference = differenceOf(message, other === undefined ? undefined : { ...other, start: originForm(other.start) }, node);
    if (difference !== '') return { same: at, difference: `message ${at}: ${difference}`, skipped: '' };
    // Node reads nothing after a message that asks for an upgrade, even if nobody upgrades.
    if (message.fields.includes('upgrade')) return skip(at + 1, 'after a request to upgrade');
    // Node takes this unregistered field for Connection; here it is dropped like any other `proxy-` field.
    if (message.fields.includes('proxy-connection')) return skip(at + 1, 'after Proxy-Connection');
  }
  return boundaries(ours, node);
}

/** Compares our reading of the answer to one request with Node's. */
export function compareResponses(ours: Reading, node: NodeReading): Comparison {
  const message = ours.messages[0];
  if (message === undefined) return boundaries(ours, node);
  const difference = differenceOf(message, node.messages[0], node);
  return { same: difference === '' ? 1 : 0, difference, skipped: '' };
}

function skip(same: number, skipped: string): Comparison {
  return { same, difference: '', skipped };
}

function differenceOf(ours: ReadMessage, node: ReadMessage | undefined, reading: NodeReading): string {
  if (node === undefined) return `we accept it, Node does not (${reading.error || 'no error'})`;
  for (const part of ['start', 'fields', 'body'] as const) {
    const [a, b] = [JSON.stringify(ours[part]), JSON.stringify(node[part])];
    if (a !== b) return `${part}: ours ${a}, Node's ${b}`;
  }
  return '';
}

/** Where we see no further message and no fault, Node must not see a message or (at a clean end) the beginning of one. */
function boundaries(ours: Reading, node: NodeReading): Comparison {
  const same = ours.messages.length;
  const difference = (text: string): Comparison => ({ same, difference: text, skipped: '' });
  if (ours.end === 'refused') return { same, difference: '', skipped: '' };
  // `close` beside `keep-alive` closes here; Node may read on. Nothing of what follows is forwarded.
  if (ours.end === 'closed' && /keep-alive/i.test(ours.messages.at(-1)?.fields.join() ?? '')) return { same, difference: '', skipped: '' };
  if (node.messages.length > same) return difference(`Node sees ${node.messages.length} messages, we see ${same} (${ours.end})`);
  if (ours.end === 'complete' && node.hasPartial) return difference('Node sees the beginning of a further message');
  if (ours.end === 'complete' && node.error !== '') return difference(`Node sees an error (${node.error}), we do not`);
  return { same, difference: '', skipped: '' };
}

function originForm(start: string): string {
  const [method, target] = start.split(' ') as [string, string];
  const tail = /^https?:\/\/[^/?]*(.*)$/i.exec(target)?.[1];
  if (tail === undefined) return start;
  if (tail === '') return `${method} ${method === 'OPTIONS' ? '*' : '/'}`;
  return `${method} ${tail.startsWith('?') ? `/${tail}` : tail}`;
}
