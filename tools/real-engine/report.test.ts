import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countUnexplained, replaceGenerated, type Table, terminalReport } from './report.ts';

const table: Table = {
  title: 'T',
  columns: ['one'],
  agreed: 'same',
  rows: [
    { name: 'a', answer: '200', cells: [{ explainedBy: [], unexplained: [] }] },
    { name: 'b', answer: '200', cells: [{ explainedBy: [2], unexplained: [] }] },
    { name: 'c', answer: '200', cells: [{ explainedBy: [2], unexplained: ['status: 1 | 2'] }] },
  ],
};

test('counts what is not explained and prints it', () => {
  assert.equal(countUnexplained([table, table]), 2);
  const text = terminalReport([table]);
  assert.match(text, /UNEXPLAINED c \[one\]: status: 1 \| 2/);
  assert.match(text, /3 cases, 3 comparisons: 1 same, 1 explained, 1 not/);
});

test('replaces what is between the marks of a section and nothing else', () => {
  const mark = (section: string, which: string) => `<!-- ${section}: written by npm run test:real-engine -- VENV --write: ${which} -->`;
  const other = `${mark('b', 'begin')}\nkept\n${mark('b', 'end')}\n`;
  const page = `before\n${mark('a', 'begin')}\nold\n${mark('a', 'end')}\nafter\n${other}`;
  const replaced = replaceGenerated(page, 'a', 'new');
  assert.equal(replaced, `before\n${mark('a', 'begin')}\n\nnew\n\n${mark('a', 'end')}\nafter\n${other}`);
  assert.equal(replaceGenerated(replaced, 'a', 'new'), replaced);
  assert.throws(() => replaceGenerated('no marks', 'a', 'new'));
});
