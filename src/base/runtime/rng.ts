/** The real source of chance: sfc32 (Chris Doty-Humphrey, PractRand), seeded by the caller or by the system. */
import { randomBytes } from 'node:crypto';
import type { Rng } from '../core/rng.ts';

/**
 * `seed`: any finite number; the same seed gives the same sequence on every machine. Without one the state comes
 * from the system's random source. Not for secrets.
 */
export function createRng(seed?: number): Rng {
  if (seed === undefined) {
    const bytes = randomBytes(12);
    return new Sfc32(bytes.readUInt32LE(0), bytes.readUInt32LE(4), bytes.readUInt32LE(8));
  }
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(seed);
  return new Sfc32(bytes.readUInt32LE(0), bytes.readUInt32LE(4), 0x9e3779b9);
}

class Sfc32 implements Rng {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(a: number, b: number, c: number) {
    this.#a = a | 0;
    this.#b = b | 0;
    this.#c = c | 0;
    // Mixes the seed into all of the state; the author asks for at least 12 rounds.
    for (let i = 0; i < 15; i++) this.nextUint32();
  }

  nextUint32(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  below(bound: number): number {
    // Numbers of the last, incomplete run of `bound` are thrown away, so that all remainders are equally likely.
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let value = this.nextUint32();
    while (value >= limit) value = this.nextUint32();
    return value % bound;
  }
}
