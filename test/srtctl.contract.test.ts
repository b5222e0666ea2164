// docs/srtctl-contract.md: every statement has a proof, and every test that it names exists.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { ROOT } from './support/program.ts';

interface Row {
  readonly statement: string;
  readonly proofs: readonly string[];
}

const text = readFileSync(`${ROOT}docs/srtctl-contract.md`, 'utf8');

const rows: readonly Row[] = text
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| Statement') && !line.startsWith('| ---'))
  .map((line) => {
    const [statement = '', kept = ''] = line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim());
    return { statement, proofs: kept.split('<br>').map((proof) => proof.replaceAll('\\|', '|')) };
  });

const MARK = /^_advice_$/;
const TEST = /^\[[^\]]+\]\(\.\.\/(\S+\.test\.ts)\): `(.+)`$/;

describe('the contract', () => {
  it('has every section of the description and a proof for every statement', () => {
    assert.equal([...text.matchAll(/^## /gm)].length, 10);
    assert.ok(rows.length >= 70, `${rows.length} statements`);
    const unproved = rows.filter(({ proofs }) => !proofs.every((proof) => MARK.test(proof) || TEST.test(proof)));
    assert.deepEqual(unproved, []);
  });

  it('names tests that exist', () => {
    const missing: string[] = [];
    let named = 0;
    for (const { statement, proofs } of rows) {
      for (const proof of proofs) {
        const [, file, name] = TEST.exec(proof) ?? [];
        if (file === undefined || name === undefined) continue;
        named++;
        const starts = ["'", '`', '"'].flatMap((quote) => [`it(${quote}${name}`, `test(${quote}${name}`]);
        const source = existsSync(ROOT + file) ? readFileSync(ROOT + file, 'utf8').replaceAll(/\b(it|test)\(\s+/g, '$1(') : '';
        if (!starts.some((start) => source.includes(start))) missing.push(`${statement}: ${file}: ${name}`);
      }
    }
    assert.ok(named > 100, `${named} tests are named`);
    assert.deepEqual(missing, []);
  });
});
