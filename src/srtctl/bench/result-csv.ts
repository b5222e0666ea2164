/** Results as a table for spreadsheets: one line for each measurement, every single figure of it. Pure. */
import type { PointResult } from './point-result.ts';

/** RFC 4180, with line ends of this system. Lists, texts of failures and the provenance stand in the JSON alone. */
export function resultCsv(results: readonly PointResult[]): string {
  const rows = results.map((result) => new Map(Object.entries(result).filter(([, value]) => typeof value !== 'object' || value === null)));
  const columns = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  const lines = [columns, ...rows.map((row) => columns.map((column) => row.get(column) ?? ''))];
  return lines.map((line) => `${line.map((cell) => quoted(String(cell))).join(',')}\n`).join('');
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
