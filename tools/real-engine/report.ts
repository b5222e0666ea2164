/** The result of a comparison as text for the terminal and as the generated part of docs/engine-compatibility.md. */

import type { KnownDifference } from './difference.ts';

/** One comparison of a row: `same`, explained by entries of the table of known differences, or unexplained lines. */
export interface Cell {
  readonly explainedBy: readonly number[];
  readonly unexplained: readonly string[];
}

export interface Row {
  readonly name: string;
  /** What the engine answered, in a few words. */
  readonly answer: string;
  /** One for each column; undefined where the case was not sent. */
  readonly cells: readonly (Cell | undefined)[];
}

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
  /** What a cell without any difference says. */
  readonly agreed: string;
}

function mark(section: string, which: 'begin' | 'end'): string {
  return `<!-- ${section}: written by npm run test:real-engine -- VENV --write: ${which} -->`;
}

function cellText(cell: Cell | undefined, agreed: string): string {
  if (cell === undefined) return '-';
  if (cell.unexplained.length > 0) return 'DIFFERENT';
  return cell.explainedBy.length === 0 ? agreed : cell.explainedBy.map((index) => `D${index + 1}`).join(' ');
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replace(/\s+/g, ' ');
}

export function countUnexplained(tables: readonly Table[]): number {
  return tables.flatMap((table) => table.rows.flatMap((row) => row.cells)).reduce((sum, cell) => sum + (cell?.unexplained.length ?? 0), 0);
}

/** Plain text: the rows that say something, every unexplained line, and a summary for each table. */
export function terminalReport(tables: readonly Table[]): string {
  const lines: string[] = [];
  for (const { title, columns, rows, agreed } of tables) {
    lines.push('', title);
    const width = Math.max(4, ...rows.map((row) => row.name.length));
    lines.push(`  ${'case'.padEnd(width)}  ${columns.map((column) => column.padEnd(22)).join('')}`);
    for (const row of rows)
      lines.push(
        `  ${row.name.padEnd(width)}  ${row.cells.map((cell) => cellText(cell, agreed).padEnd(22)).join('')}${row.answer.slice(0, 80)}`,
      );
    for (const row of rows) {
      row.cells.forEach((cell, i) => {
        for (const line of cell?.unexplained ?? []) lines.push(`  UNEXPLAINED ${row.name} [${columns[i]}]: ${line}`);
      });
    }
    const compared = rows.flatMap((row) => row.cells).filter((cell) => cell !== undefined);
    const same = compared.filter((cell) => cell.unexplained.length === 0 && cell.explainedBy.length === 0).length;
    const explained = compared.filter((cell) => cell.unexplained.length === 0 && cell.explainedBy.length > 0).length;
    lines.push(
      `  ${rows.length} cases, ${compared.length} comparisons: ${same} same, ${explained} explained, ${compared.length - same - explained} not`,
    );
  }
  return lines.join('\n');
}

/** `line` says what was run and when. Of `known` those entries are listed that the tables name. */
export function markdownReport(tables: readonly Table[], known: readonly KnownDifference[], line: string): string {
  const named = new Set(tables.flatMap((table) => table.rows.flatMap((row) => row.cells.flatMap((cell) => cell?.explainedBy ?? []))));
  const lines: string[] = [line];
  if (named.size > 0) lines.push('', '| difference | where | why |', '| --- | --- | --- |');
  known.forEach((entry, i) => {
    if (named.has(i)) lines.push(`| D${i + 1} | ${entry.relation === 'simulated' ? 'simulation' : 'router'} | ${escaped(entry.reason)} |`);
  });
  for (const { title, columns, rows, agreed } of tables) {
    lines.push(
      '',
      `#### ${title}`,
      '',
      `| case | the engine | ${columns.join(' | ')} |`,
      `| --- | --- |${' --- |'.repeat(columns.length)}`,
    );
    for (const row of rows) {
      lines.push(`| ${escaped(row.name)} | ${escaped(row.answer)} | ${row.cells.map((cell) => cellText(cell, agreed)).join(' | ')} |`);
    }
  }
  return lines.join('\n');
}

/** Puts `generated` between the marks of `section`. Throws if the page has no such marks. */
export function replaceGenerated(page: string, section: string, generated: string): string {
  const [begin, end] = [page.indexOf(mark(section, 'begin')), page.indexOf(mark(section, 'end'))];
  if (begin < 0 || end < begin) throw new Error(`the page lacks "${mark(section, 'begin')}" or its end`);
  return `${page.slice(0, begin)}${mark(section, 'begin')}\n\n${generated}\n\n${page.slice(end)}`;
}
