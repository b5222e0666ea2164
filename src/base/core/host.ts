/** Names and addresses of hosts as they appear in URLs, Host fields and listen addresses. No look-ups. */

export interface Host {
  readonly kind: 'name' | 'ipv4' | 'ipv6';
  /** Canonical text: lower case; IPv6 in its shortest form and without brackets. */
  readonly text: string;
}

/** A host without brackets, or null if `text` is neither an IPv4 nor an IPv6 address nor a host name (RFC 1123, plus `_`). */
export function parseHost(text: string): Host | null {
  if (text.includes(':')) {
    const groups = parseIpv6(text);
    return groups === null ? null : { kind: 'ipv6', text: formatIpv6(groups) };
  }
  const lower = text.toLowerCase();
  // A last label that reads as a number makes every resolver see an address (inet_aton), so nothing else may pass.
  if (/(?:^|\.)(?:\d+|0x[\da-f]*)\.?$/.test(lower)) return parseIpv4(lower) === null ? null : { kind: 'ipv4', text: lower };
  return isHostName(lower) ? { kind: 'name', text: lower } : null;
}

/** Like `parseHost`, but an IPv6 address must be in brackets, as in a URL. */
export function parseUrlHost(text: string): Host | null {
  if (text.startsWith('[')) {
    const host = text.endsWith(']') ? parseHost(text.slice(1, -1)) : null;
    return host?.kind === 'ipv6' ? host : null;
  }
  return text.includes(':') ? null : parseHost(text);
}

/** The host as a URL or a Host field shows it: IPv6 in brackets. */
export function urlHost(host: Host): string {
  return host.kind === 'ipv6' ? `[${host.text}]` : host.text;
}

function isHostName(lower: string): boolean {
  // One trailing dot marks a fully qualified name.
  const name = lower.endsWith('.') ? lower.slice(0, -1) : lower;
  if (name === '' || name.length > 253) return false;
  return name.split('.').every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
}

function parseIpv4(text: string): number[] | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part))) return null;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : null;
}

/** Eight 16-bit groups. Zone identifiers are not taken. */
function parseIpv6(text: string): number[] | null {
  const gap = text.indexOf('::');
  if (gap === -1) {
    const groups = parseGroups(text, true);
    return groups?.length === 8 ? groups : null;
  }
  const left = gap === 0 ? [] : parseGroups(text.slice(0, gap), false);
  const right = gap + 2 === text.length ? [] : parseGroups(text.slice(gap + 2), true);
  if (left === null || right === null || left.length + right.length > 7) return null;
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
}

function parseGroups(text: string, mayEndInIpv4: boolean): number[] | null {
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [at, part] of parts.entries()) {
    if (/^[\da-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const bytes = mayEndInIpv4 && at === parts.length - 1 ? parseIpv4(part) : null;
    if (bytes === null) return null;
    groups.push(bytes[0]! * 256 + bytes[1]!, bytes[2]! * 256 + bytes[3]!);
  }
  return groups;
}

/** The first longest run of two or more zero groups becomes `::` (RFC 5952, as URLs print it). */
function formatIpv6(groups: readonly number[]): string {
  let from = 0;
  let length = 1;
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === 0) end++;
    if (end - start > length) {
      from = start;
      length = end - start;
    }
  }
  const hex = groups.map((group) => group.toString(16));
  if (length === 1) return hex.join(':');
  return `${hex.slice(0, from).join(':')}::${hex.slice(from + length).join(':')}`;
}
