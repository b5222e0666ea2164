/**
 * The grammar of chunk extensions (RFC 9112 7.1.1), byte by byte: `;name`, `;name=token`, `;name="quoted"`, repeated. White space
 * around `;` and `=` is obsolete and not taken, nor are control characters. What an extension says is ignored.
 *
 *   NAME_START --token--> NAME --=--> VALUE_START --token--> VALUE
 *       ^                  |              `--"--> QUOTED --"--> QUOTED_END
 *       `------- ; --------+------------- ; ------- VALUE, QUOTED_END
 */
import { FIELD_VALUE, LOWER_TOKEN, SEMICOLON, TAB } from './bytes.ts';

const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

export const BAD_EXTENSION = -1;
/** The state after the first `;`. */
export const NAME_START = 0;
const NAME = 1;
const VALUE_START = 2;
const VALUE = 3;
const QUOTED = 4;
const ESCAPED = 5;
const QUOTED_END = 6;

/** The state after one more byte, or BAD_EXTENSION. */
export function nextExtensionState(state: number, byte: number): number {
  if (FIELD_VALUE[byte] === 0 || byte === TAB) return BAD_EXTENSION;
  const isToken = LOWER_TOKEN[byte] !== 0;
  switch (state) {
    case NAME_START:
      return isToken ? NAME : BAD_EXTENSION;
    case NAME:
      if (isToken) return NAME;
      if (byte === EQUALS) return VALUE_START;
      return byte === SEMICOLON ? NAME_START : BAD_EXTENSION;
    case VALUE_START:
      if (isToken) return VALUE;
      return byte === QUOTE ? QUOTED : BAD_EXTENSION;
    case VALUE:
      if (isToken) return VALUE;
      return byte === SEMICOLON ? NAME_START : BAD_EXTENSION;
    case QUOTED:
      if (byte === QUOTE) return QUOTED_END;
      return byte === BACKSLASH ? ESCAPED : QUOTED;
    case ESCAPED:
      return QUOTED;
    default:
      return byte === SEMICOLON ? NAME_START : BAD_EXTENSION;
  }
}

/** True if the extension may end in this state. */
export function mayEndExtension(state: number): boolean {
  return state === NAME || state === VALUE || state === QUOTED_END;
}
