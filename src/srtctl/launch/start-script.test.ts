import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { planned } from '../../../test/support/small-plan.ts';
import type { PlannedStep } from '../plan/plan.ts';
import { BEFORE_FAILED_STATUS, shellQuoted, startArgv } from './start-script.ts';

const same = (text: string): string => text;

function outputOf(
  argv: readonly string[],
  preamble: string | null,
  before: readonly PlannedStep[] = [],
): { status: number | null; out: string } {
  const [command = '', ...args] = startArgv(planned('benchmark', { argv, before }), preamble, same);
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  return { status, out: `${stdout}${stderr}` };
}

const step = (what: string, argv: readonly string[], cwd: string | null = null): PlannedStep => ({ what, argv, cwd, env: {} });

describe('the words that start a process', () => {
  test('are those of the plan when nothing goes before', () => {
    assert.deepEqual(
      startArgv(planned('nginx', { argv: ['nginx', '<run>'] }), null, (text) => text.replace('<run>', '/r')),
      ['nginx', '/r'],
    );
  });

  test('give the process what the preamble exports', () => {
    assert.deepEqual(outputOf(['sh', '-c', 'echo "$A"'], 'export A="from the preamble"\n'), { status: 0, out: 'from the preamble\n' });
  });

  test('run steps in order in front of it, each in its directory', () => {
    const before = [step('look around', ['pwd'], '/'), step('say', ['echo', "it's $HOME"])];
    assert.deepEqual(outputOf(['echo', 'on'], null, before), { status: 0, out: "srtctl: look around\n/\nsrtctl: say\nit's $HOME\non\n" });
  });

  test('do not start it when the preamble fails', () => {
    const { status, out } = outputOf(['echo', 'on'], 'echo off\nls /no-such-directory >/dev/null 2>&1\necho never');
    assert.equal(status, BEFORE_FAILED_STATUS);
    assert.match(out, /^off\nsrtctl: the preamble failed with status \d+ at: ls \/no-such-directory/);
    assert.doesNotMatch(out, /on|never/);
  });

  test('do not start it when a step fails', () => {
    const { status, out } = outputOf(['echo', 'on'], null, [step('install', ['sh', '-c', 'exit 3'])]);
    assert.deepEqual([status, out], [BEFORE_FAILED_STATUS, 'srtctl: install\nsrtctl: install failed with status 3\n']);
  });

  test('are not judged by the rules of the preamble once it is over', () => {
    assert.equal(outputOf(['sh', '-c', 'false; echo on'], 'true').out, 'on\n');
  });

  test('reach the program as they were, whatever is in them', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ unit: 'binary' }).map((word) => word.replaceAll('\0', '')),
          { maxLength: 4 },
        ),
        (words) => {
          const program = 'process.stdout.write(JSON.stringify(process.argv.slice(1)))';
          const { out } = outputOf([process.execPath, '-e', program, '--', ...words], 'true');
          assert.deepEqual(
            JSON.parse(out),
            words.map((word) => Buffer.from(word).toString()),
          );
        },
      ),
      { numRuns: 5 },
    );
  });
});

test('a quoted word is one word for a shell', () => {
  const words = ['', 'a b', "it's", '$(x)`y`', 'a\nb', '*', '~', '-n', '"', '\\', '!x'];
  const { stdout } = spawnSync('bash', ['-c', `printf '<%s>' ${words.map(shellQuoted).join(' ')}`], { encoding: 'utf8' });
  assert.equal(stdout, words.map((word) => `<${word}>`).join(''));
});
