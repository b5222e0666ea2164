import assert from 'node:assert/strict';
import { it } from 'node:test';
import { timeLimitSeconds } from './time-limit.ts';

const CASES: readonly [string, number | null][] = [
  ['90', 5400],
  ['10:30', 630],
  ['04:00:00', 14_400],
  ['1-12', 129_600],
  ['1-12:30', 131_400],
  ['1-12:30:15', 131_415],
  ['UNLIMITED', Number.POSITIVE_INFINITY],
  ['infinite', Number.POSITIVE_INFINITY],
  ['0', 0],
  ['4h', null],
  ['', null],
  ['-1', null],
  ['1:2:3:4', null],
  ['1-', null],
];
for (const [text, seconds] of CASES) {
  it(`${JSON.stringify(text)} is ${seconds === null ? 'no time limit' : `${seconds} seconds`}`, () =>
    assert.equal(timeLimitSeconds(text), seconds));
}
