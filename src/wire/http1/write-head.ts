/** Writes message heads as latin1 text. What came out of our parsers is written as it is; what we add must be checked first. */
import { FIELD_VALUE, LOWER_TOKEN } from './bytes.ts';
import { reasonPhrase } from './reason-phrase.ts';

/** True if `name` is a token. */
export function isValidFieldName(name: string): boolean {
  for (let at = 0; at < name.length; at += 1) {
    const code = name.charCodeAt(at);
    if (code > 0x7f || LOWER_TOKEN[code] === 0) return false;
  }
  return name.length > 0;
}

/** True if `value` can stand in a field: no CR, LF, NUL or other control character but tab, and nothing beyond latin1. */
export function isValidFieldValue(value: string): boolean {
  for (let at = 0; at < value.length; at += 1) {
    const code = value.charCodeAt(at);
    if (code > 0xff || FIELD_VALUE[code] === 0) return false;
  }
  return true;
}

/** `text` with one more field line. The caller has checked name and value. */
export function appendField(text: string, name: string, value: string): string {
  return `${text}${name}: ${value}\r\n`;
}

/** Flat fields (name, value, ...) as field lines. */
function appendFields(text: string, fields: readonly string[]): string {
  let out = text;
  for (let at = 0; at < fields.length; at += 2) out = `${out}${fields[at]!}: ${fields[at + 1]!}\r\n`;
  return out;
}

/** `HTTP/1.1 STATUS REASON` with its line end; the reason phrase of the registry unless one is given. */
export function statusLine(status: number, reason: string = reasonPhrase(status)): string {
  return `HTTP/1.1 ${status} ${reason}\r\n`;
}

/**
 * A whole request head, its empty line included. `fields` is flat and holds no Host; `extra` is ready field lines (appendField), for
 * example the framing. Write it as latin1.
 */
export function requestHeadText(method: string, target: string, authority: string, fields: readonly string[], extra = ''): string {
  return `${appendFields(`${method} ${target} HTTP/1.1\r\nhost: ${authority}\r\n`, fields)}${extra}\r\n`;
}

/** A whole response head, its empty line included; `fields` and `extra` as in requestHeadText. Write it as latin1. */
export function responseHeadText(status: number, fields: readonly string[], extra = '', reason?: string): string {
  return `${appendFields(statusLine(status, reason), fields)}${extra}\r\n`;
}
