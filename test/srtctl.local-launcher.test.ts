/** What a process finds when the local launcher has started it, and what the launcher tells of it. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { realClock } from '../src/base/runtime/clock.ts';
import type { ProcessEnd } from '../src/srtctl/launch/launcher.ts';
import { localLauncher } from '../src/srtctl/local/local-launcher.ts';
import type { Plan, PlannedProcess } from '../src/srtctl/plan/plan.ts';
import { newDirectory } from './support/small-fleet.ts';
import { planned, planOf } from './support/small-plan.ts';
import { within } from './support/until.ts';

interface Seen {
  readonly directory: string;
  readonly addresses: readonly string[];
  readonly lines: readonly string[];
  readonly end: ProcessEnd;
}

/** Runs one process to its end. */
async function see(
  t: TestContext,
  more: Partial<PlannedProcess>,
  plan: Partial<Plan> = {},
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Seen> {
  const directory = await newDirectory(t);
  const launcher = localLauncher({
    clock: realClock,
    environment,
    nodeBinary: '/usr/bin/node',
    packageDirectory: '/opt/package',
    redact: (text) => text.replaceAll('hidden', '***'),
  });
  const one = planned('aggregated-0', more);
  const site = await launcher.open(planOf([one], plan), { directory, id: `one-${process.pid}-${Math.random()}` }, { nodeLost: () => {} });
  t.after(() => site.close());
  const lines: string[] = [];
  const end = new Promise<ProcessEnd>((resolve, reject) => {
    const listener = { line: (line: string) => lines.push(line), ended: resolve, logFailed: (code: string) => reject(new Error(code)) };
    site.start(one, listener).catch(reject);
  });
  return { directory, addresses: site.nodes.map(({ address }) => address), lines, end: await within(end, 'the process to end') };
}

const sh = (script: string): { argv: string[] } => ({ argv: ['sh', '-c', script] });

describe('a process of the local launcher', { concurrency: 3 }, () => {
  test('finds its symbols bound in arguments, environment and files, and nothing on its standard input', async (t) => {
    const seen = await see(t, {
      argv: ['sh', '-c', 'echo "$@" "$A"; cat <&0; cat nginx/my.conf', 'sh', '<node0>', '<node1>:1', '<run>', '<node-binary>', '<package>'],
      env: { A: 'http://<node1>:30000' },
      files: [{ path: 'nginx/my.conf', content: 'listen <node0>:8000;\n' }],
    });
    const [first, second] = seen.addresses;
    assert.match(first ?? '', /^127\.0\.\d+\.10$/);
    assert.match(second ?? '', /^127\.0\.\d+\.11$/);
    assert.deepEqual(seen.lines, [
      `${first} ${second}:1 ${seen.directory} /usr/bin/node /opt/package http://${second}:30000`,
      `listen ${first}:8000;`,
    ]);
    assert.deepEqual(seen.end, { code: 0, signal: null });
  });

  test('keeps variables with names that no shell has, such as exported functions', async (t) => {
    const environment = { ...process.env, 'BASH_FUNC_module%%': '() { echo "module $1"; }', 'a.b-c': '1' };
    const seen = await see(t, { argv: ['bash', '-c', 'module load'] }, {}, environment);
    assert.deepEqual(seen.lines, ['module load']);
    const names = await see(t, { argv: ['env'] }, {}, environment);
    assert.ok(names.lines.includes('a.b-c=1'));
  });

  test('may open its standard output and error by name', async (t) => {
    const seen = await see(t, sh('echo one >/dev/stderr; echo two | tee /dev/stderr >/dev/null; echo three >/dev/stdout; exit 4'));
    assert.deepEqual(seen.lines, ['one', 'two', 'three']);
    assert.deepEqual(seen.end, { code: 4, signal: null });
  });

  test('runs after the preamble and its steps, in its own directory', async (t) => {
    const seen = await see(
      t,
      { ...sh('echo "$FROM_PREAMBLE $(pwd)"'), cwd: '/', before: [{ what: 'prepare', argv: ['sh', '-c', 'pwd'], cwd: '/usr', env: {} }] },
      { preamble: 'export FROM_PREAMBLE=yes' },
    );
    assert.deepEqual(seen.lines, ['srtctl: prepare', '/usr', 'yes /']);
  });

  test('has every line in its log, secrets taken out, also those that it wrote last', async (t) => {
    const seen = await see(t, sh('i=0; while [ $i -lt 3000 ]; do echo "line $i hidden"; i=$((i+1)); done; printf "no line end"'));
    assert.equal(seen.lines.length, 3001);
    assert.equal(seen.lines[2999], 'line 2999 ***');
    assert.equal(await readFile(join(seen.directory, 'logs/aggregated-0.out'), 'utf8'), `${seen.lines.join('\n')}\n`);
  });

  test('is told of as ended only when what it left in its group has ended, too', async (t) => {
    const seen = await see(
      t,
      sh(
        '(trap "echo late; exit" TERM; echo ready; while :; do sleep 0.05; done) & while ! [ -e go ]; do sleep 0.05; touch go; done; exit 0',
      ),
    );
    assert.deepEqual(seen.end, { code: 0, signal: null });
    assert.equal(seen.lines.filter((line) => line === 'late').length, seen.lines.includes('ready') ? 1 : 0);
  });

  test('that ended by a signal is told so', async (t) => {
    assert.deepEqual((await see(t, sh('kill -KILL $$'))).end, { code: null, signal: 'SIGKILL' });
  });

  for (const [what, more, words] of [
    [
      'a program that is missing',
      { argv: ['no-such-program'] },
      /aggregated-0 could not be started: no-such-program was not found; PATH is \//,
    ],
    ['a program that may not be executed', { argv: ['/etc/passwd'] }, /\/etc\/passwd may not be executed/],
    ['a directory that is missing', { cwd: '/no-such-directory' }, /its working directory \/no-such-directory does not exist/],
    ['a file that cannot be written', { files: [{ path: 'x'.repeat(300), content: '' }] }, /aggregated-0: cannot write its file /],
  ] as const) {
    test(`cannot be started with ${what}, and that is said`, async (t) => {
      await assert.rejects(see(t, more), words);
    });
  }
});
