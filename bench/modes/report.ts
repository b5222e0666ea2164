/** The table of a comparison: one row for each thing measured, one column for each shape and mode. Pure. */
import { median } from '../race/statistics.ts';
import type { Mode, Shape } from './fleets.ts';
import type { Death } from './worker-death.ts';

export interface Measured {
  readonly round: number;
  readonly shape: Shape;
  readonly mode: Mode;
  /** Of both fleets of the round. */
  readonly readyMs: readonly number[];
  /** CPU of srtctl and all that it had started by then, of both fleets, ms. */
  readonly startCpuMs: readonly number[];
  readonly processes: number;
  /** Of them no workers. */
  readonly entranceProcesses: number;
  readonly memoryMib: number;
  readonly entranceMemoryMib: number;
  /** Medians, ms. Null: a pair is no one worker that could be asked. */
  readonly workerFirstMs: number | null;
  readonly firstMs: number;
  /** CPU of the entrance for an answer of 32 tokens, ms. */
  readonly cpuMs: number;
  readonly teardownMs: number;
  readonly death: Death;
}

const MODES: readonly (readonly [Mode, string])[] = [
  ['router', 'router mode'],
  ['dynamo', 'Dynamo mode'],
];

const ROWS: readonly (readonly [string, (one: Measured) => readonly (number | null)[], number])[] = [
  ['start until a request has come back through every entrance, s', ({ readyMs }) => readyMs.map((ms) => ms / 1000), 1],
  ['... and the CPU that it took, srtctl included, s', ({ startCpuMs }) => startCpuMs.map((ms) => ms / 1000), 1],
  ['processes', ({ processes }) => [processes], 0],
  ['... that are no workers', ({ entranceProcesses }) => [entranceProcesses], 0],
  ['memory of all, MiB', ({ memoryMib }) => [memoryMib], 0],
  ['... of those that are no workers, MiB', ({ entranceMemoryMib }) => [entranceMemoryMib], 0],
  ['first token through nginx and the entrance, ms', ({ firstMs }) => [firstMs], 1],
  ['... of a worker asked directly, ms', ({ workerFirstMs }) => [workerFirstMs], 1],
  ['... added, ms', ({ firstMs, workerFirstMs }) => [workerFirstMs === null ? null : firstMs - workerFirstMs], 1],
  ['CPU of all but the workers for an answer of 32 tokens, ms', ({ cpuMs }) => [cpuMs], 1],
  ['a worker is killed: requests that failed', ({ death }) => [death.failed], 0],
  ['... seconds until the last of them had failed', ({ death }) => [death.lastFailureS], 1],
  ['... longest wait for a first token, ms', ({ death }) => [death.longestFirstMs], 0],
  ['teardown until nothing is left, s', ({ teardownMs }) => [teardownMs / 1000], 1],
];

/** Markdown; each figure is the median over the rounds, with the range where it is one. */
export function comparisonTable(measured: readonly Measured[]): string {
  const columns = [...new Set(measured.map(({ shape }) => shape))].flatMap((shape) =>
    MODES.filter(([mode]) => measured.some((one) => one.shape === shape && one.mode === mode)).map(([mode, name]) => ({
      shape,
      mode,
      name,
    })),
  );
  const head = ['', ...columns.map(({ shape, name }) => `${shape === 'pairs' ? 'pairs' : 'aggregated'}, ${name}`)];
  const rows = ROWS.map(([what, valuesOf, digits]) => [
    what,
    ...columns.map(({ shape, mode }) => {
      const values = measured.filter((one) => one.shape === shape && one.mode === mode).flatMap(valuesOf);
      return cell(
        values.filter((value) => value !== null),
        digits,
      );
    }),
  ]);
  const widths = head.map((text, i) => Math.max(text.length, 3, ...rows.map((cells) => cells[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text, i) => (i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** What clients were told when a worker died, most often first. */
export function failureLines(measured: readonly Measured[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { mode, death } of measured)
    for (const [message, times] of Object.entries(death.messages)) {
      const key = `${mode}: ${message}`;
      counts.set(key, (counts.get(key) ?? 0) + times);
    }
  return [...counts].sort((a, b) => b[1] - a[1]).map(([message, times]) => `${times} x ${message}`);
}

function cell(values: readonly number[], digits: number): string {
  if (values.length === 0) return '-';
  const [least, most] = [Math.min(...values).toFixed(digits), Math.max(...values).toFixed(digits)];
  const middle = median(values).toFixed(digits);
  return least === most ? middle : `${middle} (${least}-${most})`;
}
