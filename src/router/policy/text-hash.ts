/** A 32-bit hash of a text, the same in every router: several routers that hash the same names agree. Not against attackers. */

/** Source of the steps and constants: MurmurHash3 (Austin Appleby), over characters in place of bytes. */
export function hashText(text: string, seed: number = 0): number {
  let hash = seed | 0;
  for (let i = 0; i < text.length; i++) {
    let k = Math.imul(text.charCodeAt(i), 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    hash ^= Math.imul(k, 0x1b873593);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  return mixed(hash ^ text.length);
}

/** The same for bytes `[start, end)`, going on from `seed`. */
export function hashBytes(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let hash = seed | 0;
  for (let i = start; i < end; i++) {
    let k = Math.imul(bytes[i]!, 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    hash ^= Math.imul(k, 0x1b873593);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  return mixed(hash ^ (end - start));
}

function mixed(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
