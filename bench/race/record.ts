/** What `--json` keeps of a race, and `--from` prints again. */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import type { Comparison } from './comparison.ts';
import type { WindowResult } from './window.ts';

export interface RaceRecord {
  readonly command: string;
  readonly date: string;
  readonly node: string;
  readonly cores: number;
  readonly cpu: string;
  /** Of each entrant. */
  readonly versions: Readonly<Record<string, string>>;
  readonly order: readonly string[];
  readonly results: readonly WindowResult[];
  /** Of two builds (`--against`): one per workload and policy. */
  readonly comparisons?: readonly Comparison[];
}

export type Measured = Pick<RaceRecord, 'versions' | 'order' | 'results' | 'comparisons'>;

export function writeRecord(file: string, measured: Measured): void {
  const record: RaceRecord = {
    command: `npm run bench:race -- ${process.argv.slice(2).join(' ')}`,
    date: new Date().toISOString(),
    node: process.version,
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown',
    ...measured,
  };
  writeFileSync(file, `${JSON.stringify(record, null, 1)}\n`);
}

export function readRecord(file: string): RaceRecord {
  return JSON.parse(readFileSync(file, 'utf8')) as RaceRecord; // written by writeRecord
}
