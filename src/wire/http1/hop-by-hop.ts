/** Which fields belong to one connection and are dropped in both directions (RFC 9110 7.6.1). */

const HOP_BY_HOP: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade']);

/** `name` is lower-case. Every `proxy-` field counts: those are for us, or for nobody. */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name) || name.startsWith('proxy-');
}

/**
 * The lower-case names that Connection lists, without `close` and without those that isHopByHop drops anyway; null when nothing is
 * left, the usual case. `fields` is flat: name, value.
 */
export function droppedByConnection(fields: readonly string[]): string[] | null {
  let dropped: string[] | null = null;
  for (let at = 0; at < fields.length; at += 2) {
    if (fields[at] !== 'connection') continue;
    const value = fields[at + 1]!;
    if (value === 'keep-alive' || value === 'close') continue;
    for (const option of value.toLowerCase().split(',')) {
      const name = option.trim();
      if (name === '' || name === 'close' || isHopByHop(name)) continue;
      dropped ??= [];
      dropped.push(name);
    }
  }
  return dropped;
}
