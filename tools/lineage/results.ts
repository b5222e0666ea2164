/** Reads what `pytest -rA` prints and judges each test. */
import { reasonToFail } from './expectations.ts';

/** `expected`: a failure with a reason. `unexpected`: a pass where expectations.ts has a failure. */
export type Verdict = 'pass' | 'fail' | 'expected' | 'unexpected' | 'skipped';

export interface Result {
  readonly test: string;
  readonly verdict: Verdict;
  readonly why: string;
}

const RAN = /^(PASSED|FAILED|ERROR|XFAIL|XPASS) (\S+?(?:\[[^\]]*\])?)(?: - (.*))?$/;
const SKIPPED = /^SKIPPED \[(\d+)\] (\S+?)(?::\d+)?: (.*)$/;
const WORDS: Readonly<Record<Verdict, string>> = {
  pass: 'pass',
  fail: 'FAIL',
  expected: 'expected failure',
  unexpected: 'UNEXPECTED PASS',
  skipped: 'skipped',
};

export function readResults(output: string): readonly Result[] {
  return output.split('\n').flatMap((line): Result[] => {
    const [, count = '', place = '', why = ''] = SKIPPED.exec(line) ?? [];
    if (count !== '') return [{ test: `${place} (${count})`, verdict: 'skipped', why }];
    const [, outcome, test = '', message = ''] = RAN.exec(line) ?? [];
    return outcome === undefined ? [] : [judge(test, outcome === 'PASSED' || outcome === 'XPASS', outcome === 'XFAIL', message)];
  });
}

function judge(test: string, hasPassed: boolean, isExpectedThere: boolean, message: string): Result {
  const reason = reasonToFail(test);
  if (hasPassed) return reason === null ? { test, verdict: 'pass', why: '' } : { test, verdict: 'unexpected', why: reason };
  if (reason !== null || isExpectedThere) return { test, verdict: 'expected', why: reason ?? 'the suite expects it' };
  return { test, verdict: 'fail', why: message };
}

/** A suite without a test that passed proves nothing. */
export function isRight(results: readonly Result[]): boolean {
  return (
    results.some(({ verdict }) => verdict === 'pass') && results.every(({ verdict }) => verdict !== 'fail' && verdict !== 'unexpected')
  );
}

export function table(results: readonly Result[]): string {
  const lines = results.map(
    ({ test, verdict, why }) => `${WORDS[verdict].padEnd(17)} ${test}${why === '' ? '' : `\n${' '.repeat(18)}${why}`}`,
  );
  const verdicts = Object.keys(WORDS) as Verdict[]; // Its keys, by its type.
  const counts = verdicts.map((verdict) => `${results.filter((one) => one.verdict === verdict).length} ${WORDS[verdict]}`);
  return [...lines, '', counts.join(', ')].join('\n');
}
