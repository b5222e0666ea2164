/**
 * The tokenizer: one token per UTF-8 byte and five special tokens, like the byte-level tokenizer without merges that
 * the recorded engine runs. So a prompt has as many tokens as bytes, and token counts compare with a real engine's.
 * Source: byte-to-unicode table of GPT-2; the ids are the table's characters in code point order.
 */
export const EOS = 257;
export const IM_START = 258;
export const IM_END = 259;
/** Ids a prompt may hold: 256 bytes, five special tokens, rounded up to a multiple of 64 as the model's table is. */
export const VOCABULARY = 320;

const SPECIAL: readonly string[] = ['<|bos|>', '<|eos|>', '<|im_start|>', '<|im_end|>', '<|pad|>'];
const FIRST_SPECIAL = 256;
const LARGEST_ID = 65_535;
const ID_OF_BYTE = new Uint16Array(256);
const BYTE_OF_ID = new Uint8Array(256);

function isPrintable(byte: number): boolean {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

{
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const order = [...bytes.filter(isPrintable), ...bytes.filter((byte) => !isPrintable(byte))];
  order.forEach((byte, id) => {
    ID_OF_BYTE[byte] = id;
    BYTE_OF_ID[id] = byte;
  });
}

/** Tokens of `text`; a special token's name in it becomes that token. */
export function encode(text: string): Uint16Array {
  if (!text.includes('<|')) return encodeBytes(Buffer.from(text, 'utf8'));
  const parts: Uint16Array[] = [];
  let start = 0;
  for (const found of text.matchAll(/<\|(?:bos|eos|im_start|im_end|pad)\|>/g)) {
    parts.push(encodeBytes(Buffer.from(text.slice(start, found.index), 'utf8')));
    parts.push(Uint16Array.of(FIRST_SPECIAL + SPECIAL.indexOf(found[0])));
    start = found.index + found[0].length;
  }
  parts.push(encodeBytes(Buffer.from(text.slice(start), 'utf8')));
  return joinTokens(parts);
}

export function encodeByte(byte: number): number {
  return ID_OF_BYTE[byte]!;
}

/** A prompt of token ids from a request. Ids beyond 16 bits become the largest one: it is outside the vocabulary as well. */
export function promptFromIds(ids: readonly unknown[]): Uint16Array {
  return Uint16Array.from(ids, (id) => Math.min(Math.max(0, Number(id)), LARGEST_ID));
}

/** Text of `ids`; special tokens and ids without text leave nothing. */
export function decode(ids: ArrayLike<number>): string {
  const bytes = Buffer.allocUnsafe(ids.length);
  let length = 0;
  for (let i = 0; i < ids.length; i++) if (ids[i]! < FIRST_SPECIAL) bytes[length++] = BYTE_OF_ID[ids[i]!]!;
  return bytes.toString('utf8', 0, length);
}

/** Text of one token; a special token's name, the empty string for an id without text. */
export function tokenText(id: number): string {
  return id < FIRST_SPECIAL ? decode([id]) : (SPECIAL[id - FIRST_SPECIAL] ?? '');
}

export function joinTokens(parts: readonly Uint16Array[]): Uint16Array {
  const all = new Uint16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function encodeBytes(bytes: Buffer): Uint16Array {
  const ids = new Uint16Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) ids[i] = ID_OF_BYTE[bytes[i]!]!;
  return ids;
}
