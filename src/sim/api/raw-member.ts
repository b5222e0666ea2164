/** The JSON text of one member of a body, for numbers that a double cannot hold. */
import { keyIs } from '../../wire/json/key-match.ts';
import { skipSpace, ValueSkipper } from '../../wire/json/value-skipper.ts';

const QUOTE = 0x22;
const BRACE_OPEN = 0x7b;
const COMMA = 0x2c;

/** Text of the value of the last top-level member `name` of the object in `buf`, a valid document; null when there is none. */
export function rawMember(buf: Buffer, name: string): string | null {
  const wanted = Buffer.from(name, 'latin1');
  const skipper = new ValueSkipper();
  skipper.open(buf, buf.length);
  let found: string | null = null;
  let at = skipSpace(buf, 0, buf.length);
  if (buf[at] !== BRACE_OPEN) return null;
  at = skipSpace(buf, at + 1, buf.length);
  while (buf[at] === QUOTE) {
    const key = at + 1;
    const afterColon = skipper.key(buf, at, buf.length);
    if (afterColon < 0) break;
    let keyEnd = afterColon - 2;
    while (buf[keyEnd] !== QUOTE) keyEnd--;
    const value = skipSpace(buf, afterColon, buf.length);
    const end = skipper.skip(buf, value, buf.length);
    if (end < 0) break;
    if (keyIs(buf, key, keyEnd, wanted)) found = buf.toString('utf8', value, end);
    at = skipSpace(buf, end, buf.length);
    if (buf[at] !== COMMA) break;
    at = skipSpace(buf, at + 1, buf.length);
  }
  skipper.close();
  return found;
}
