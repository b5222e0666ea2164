/**
 * What a file of bench/micro exports, as `export function cases(): readonly Case[]`. The work of a case is a loop over many
 * operations, because one reading of the clock costs as much as most functions measured here.
 */
export interface Case {
  readonly name: string;
  /** Operations that one call of `run` performs; figures are per operation. */
  readonly ops: number;
  /** Bytes that one operation looks at, when a rate in GB/s says something. */
  readonly bytesPerOp?: number;
  /** Performs `ops` operations. Must throw when a result is wrong; must not leave work behind. */
  run(): void;
}
