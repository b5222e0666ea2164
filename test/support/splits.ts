/** Test support: cuts bytes into pieces, for properties that say "however it was split". */
import fc from 'fast-check';

/** Calls `take` with consecutive pieces of `bytes`, cut at `cuts` (taken modulo the length), each at an odd place in a larger buffer. */
export function inPieces(bytes: Buffer, cuts: readonly number[], take: (buf: Buffer, start: number, end: number) => void): void {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1))), bytes.length].sort((a, b) => a - b);
  let from = 0;
  for (const to of places) {
    // What lies around a piece must not matter, so put something that would.
    const piece = Buffer.concat([Buffer.from('\r\n\n'), bytes.subarray(from, to), Buffer.from('\n\r\n')]);
    take(piece, 3, 3 + to - from);
    piece.fill(0x58); // the receiver may not keep it
    from = to;
  }
}

export const cutsOf: fc.Arbitrary<number[]> = fc.array(fc.nat(), { maxLength: 12 });
