/** Checks `host[:port]` (RFC 3986 3.2, without user info, IPvFuture and zone ids). */
import { HEX_VALUE } from './bytes.ts';

const REG_NAME: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9\-._~!$&'()*+,;=]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

function isHexAt(text: string, at: number): boolean {
  return at < text.length && HEX_VALUE[text.charCodeAt(at) & 0xff] !== 255;
}

/** `text` is latin1. An empty host is not valid; an empty port (`host:`) is. */
export function isValidAuthority(text: string): boolean {
  if (text.startsWith('[')) {
    const close = text.indexOf(']');
    return close > 0 && isIpv6(text.slice(1, close)) && isPortOrNothing(text, close + 1);
  }
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (REG_NAME[code] === 1) at += 1;
    else if (code === 0x25 && isHexAt(text, at + 1) && isHexAt(text, at + 2)) at += 3;
    else break;
  }
  return at > 0 && isPortOrNothing(text, at);
}

function isPortOrNothing(text: string, at: number): boolean {
  if (at === text.length) return true;
  if (text.charCodeAt(at) !== 0x3a || text.length - at > 6) return false;
  let port = 0;
  for (let digitAt = at + 1; digitAt < text.length; digitAt += 1) {
    const digit = text.charCodeAt(digitAt) - 0x30;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
  }
  return port <= 65535;
}

const IPV4 = /^(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/;
const MAX_IPV6_CHARS = 45;

function isIpv6(text: string): boolean {
  if (text.length > MAX_IPV6_CHARS) return false;
  const halves = text.split('::');
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [index, half] of halves.entries()) {
    if (half === '') continue;
    const parts = half.split(':');
    for (const [partIndex, part] of parts.entries()) {
      const isLast = index === halves.length - 1 && partIndex === parts.length - 1;
      if (isLast && IPV4.test(part)) groups += 2;
      else if (/^[0-9a-f]{1,4}$/i.test(part)) groups += 1;
      else return false;
    }
  }
  return halves.length === 2 ? groups <= 7 : groups === 8;
}
