/** The race as a program: two builds side by side, and what a signal leaves behind. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../../test/support/until.ts';
import { findProgram } from './processes.ts';
import type { RaceRecord } from './record.ts';

const RUN = fileURLToPath(new URL('./run.js', import.meta.url));
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const skip = process.platform !== 'linux' || !findProgram('g++') ? 'needs Linux and g++' : false;
/** Nothing is repeated: with windows this short all verdicts are chance. */
const SHORT = [
  '--against',
  ROOT,
  '--workloads',
  'json1k5',
  '--rounds',
  '1',
  '--seconds',
  '0.1',
  '--warmup',
  '0.1',
  '--fresh',
  '--no-confirm',
];

interface Race {
  readonly child: ChildProcess;
  /** Temporary files of the race go here. */
  readonly tmp: string;
  output(): string;
  ended(): Promise<number | null>;
}

function start(t: TestContext, args: readonly string[]): Race {
  const tmp = mkdtempSync(join(tmpdir(), 'race-run-'));
  const child = spawn(process.execPath, [RUN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TMPDIR: tmp } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text: Buffer) => {
      output += text.toString();
    });
  }
  const end = once(child, 'close');
  t.after(async () => {
    child.kill('SIGTERM');
    await end;
    rmSync(tmp, { recursive: true });
  });
  return { child, tmp, output: () => output, ended: async () => (await end)[0] };
}

/** Command lines of processes that work in a race's folder. */
function leftIn(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
        return words.includes(`TMPDIR=${folder}`) ? [readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')] : [];
      } catch {
        return []; // It has ended, or belongs to another user.
      }
    });
}

suite('the race as a program', { skip }, () => {
  test('compares two builds and writes what it measured', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'race-json-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'out.json');
    const race = start(t, [...SHORT, '--json', file]);
    const code = await race.ended();
    const record = JSON.parse(readFileSync(file, 'utf8')) as RaceRecord;
    const [comparison] = record.comparisons ?? [];
    assert.deepEqual([comparison?.workload, comparison?.variant, comparison?.rounds], ['json1k5', 'rr', 1], race.output());
    assert.equal(code, comparison?.verdict === 'dearer' ? 3 : 0);
    assert.match(race.output(), /round 1 of 1, .*: json1k5 rr +new \d+\.\d old \d+\.\d us\/request/);
    assert.match(race.output(), /\n\| json1k5, us\/request \| rr \|/);
    const again = start(t, ['--from', file]);
    assert.equal(await again.ended(), 0);
    assert.equal(again.output().trimEnd().split('\n').at(-1), race.output().trimEnd().split('\n').at(-1));
  });

  const moments: readonly (readonly [string, NodeJS.Signals, number, (race: Race) => boolean])[] = [
    ['it starts its programs', 'SIGINT', 130, ({ tmp }) => readdirSync(tmp).some((name) => existsSync(join(tmp, name, 'worker_2.log')))],
    ['it measures', 'SIGTERM', 143, (race) => race.output().includes('\nround 1 of ')],
  ];
  for (const [when, signal, status, isReached] of moments) {
    test(`${signal} while ${when} ends everything that it started`, async (t) => {
      const race = start(t, [...SHORT, '--rounds', '1000']);
      await until(
        () => isReached(race),
        () => `the race to get there: ${race.output()}`,
        60_000,
      );
      assert.ok(leftIn(race.tmp).length > 1);
      race.child.kill(signal);
      race.child.kill(signal);
      assert.equal(await race.ended(), status);
      assert.equal(race.output().trimEnd().split('\n').at(-1), `${signal}: ending all programs of the race`);
      assert.deepEqual(leftIn(race.tmp), []);
      assert.deepEqual(readdirSync(race.tmp), []);
    });
  }

  test('a build that does not start ends with 1, and its last words are printed', async (t) => {
    const race = start(t, [...SHORT, '--old-node=--no-such-option']);
    assert.equal(await race.ended(), 1);
    assert.match(race.output(), /^old\/rr did not start: .*bad option: --no-such-option/m);
    assert.deepEqual(readdirSync(race.tmp), []);
  });

  test('a bad option ends with 2 and starts nothing', async (t) => {
    const race = start(t, ['--against', '/nowhere']);
    assert.equal(await race.ended(), 2);
    assert.match(race.output(), /\/nowhere\/dist\/bin\/router\.js is missing/);
    assert.equal(existsSync(race.tmp) && readdirSync(race.tmp).length, 0);
  });
});
