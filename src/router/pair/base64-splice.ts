/** Puts the beginning of one base64 text over the beginning of another, as if both were decoded: only the characters where they meet are made anew. */

/** Replaces `bytes[0, until)` of the other text by `parts`. */
export interface Base64Splice {
  readonly until: number;
  readonly parts: readonly Buffer[];
}

/**
 * What turns `rest` into `head` followed by the bytes of `rest` that come after as many as `head` has; `head` alone if it is as long or
 * longer. Both are base64 with padding, without their quotes. Null: one of them is not.
 */
export function spliceBase64(head: Buffer, rest: Buffer): Base64Splice | null {
  const bytes = decodedBytes(head);
  const all = decodedBytes(rest);
  if (bytes < 0 || all < 0) return null;
  if (all <= bytes) return { until: rest.length, parts: [head] };
  const odd = bytes % 3;
  const whole = ((bytes - odd) / 3) * 4;
  if (odd === 0) return { until: whole, parts: [head.subarray(0, whole)] };
  // The group of four characters that holds bytes of both.
  const group = decode(head.subarray(whole, whole + 4)).subarray(0, odd);
  const after = decode(rest.subarray(whole, whole + 4)).subarray(odd);
  const both = Buffer.from(Buffer.concat([group, after]).toString('base64'), 'latin1');
  return { until: whole + 4, parts: [head.subarray(0, whole), both] };
}

/** -1: the text cannot be base64. */
function decodedBytes(text: Buffer): number {
  const { length } = text;
  if (length % 4 !== 0) return -1;
  if (length === 0) return 0;
  const padding = text[length - 1] !== 0x3d ? 0 : text[length - 2] === 0x3d ? 2 : 1;
  return (length / 4) * 3 - padding;
}

function decode(group: Buffer): Buffer {
  return Buffer.from(group.toString('latin1'), 'base64');
}
