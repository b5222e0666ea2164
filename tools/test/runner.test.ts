/** npm test as a program (tools/test.mjs), on folders with test files of their own that pass, fail, hang and leave processes behind. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { suite, type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Program, ROOT } from '../../test/support/program.ts';
import { isAlive } from '../../test/support/small-fleet.ts';
import { until } from '../../test/support/until.ts';

const RUNNER = `${ROOT}tools/test.mjs`;
const BEGINNING = "import { test, describe } from 'node:test'; import { spawn } from 'node:child_process'; import fs from 'node:fs';\n";

/** A root with these test files: names without ending, and the code of the compiled file. */
function project(t: TestContext, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'runner-'));
  t.after(() => rmSync(root, { recursive: true, force: true, maxRetries: 5 }));
  writeFileSync(join(root, 'package.json'), JSON.stringify({ type: 'module', scripts: { test: `node ${RUNNER} --root .` } }));
  for (const [name, code] of Object.entries(files)) {
    for (const [file, text] of [
      [`${name}.test.ts`, ''],
      [`.build/${name}.test.js`, `${BEGINNING}${code}`],
    ] as const) {
      mkdirSync(join(root, dirname(file)), { recursive: true });
      writeFileSync(join(root, file), text);
    }
  }
  return root;
}

interface Ran {
  readonly status: number | null;
  readonly lines: readonly string[];
}

async function run(root: string, ...args: string[]): Promise<Ran> {
  const child = execFile(process.execPath, [RUNNER, '--root', root, ...args]);
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'exit')]);
  assert.equal(stderr.replace('no test file matches\n', ''), '');
  return { status, lines: stdout.trimEnd().split('\n') };
}

const PASSES = "test('passes', () => {});";

suite('the closing lines', { concurrency: 2 }, () => {
  test('hold the counts, the reasons of what was skipped, the time, and the slowest files', async (t) => {
    const root = project(t, {
      'src/one': `${PASSES} test('later', { skip: 'no engine' }, () => {}); describe('all', { skip: 'no cluster' }, () => { test('x', () => {}); });`,
      'test/two': "describe('suite', () => { test('a', () => {}); test('b', (t) => t.skip('no engine')); });",
      'test/two.slurm-jobs': PASSES,
    });
    const { status, lines } = await run(root);
    assert.equal(status, 0, lines.join('\n'));
    assert.match(lines.slice(-7, -3).join('\n'), /^slowest files, and their CPU time:(?:\n +[\d.]+ s +[\d.]+ s {2}\S+\.test\.ts){3}$/);
    assert.match(lines.at(-3) ?? '', /^3 files in [\d.]+ s \(tests [\d.]+\), CPU time 0\.[\d]+ s; \d+ cores, load [\d.]+$/);
    assert.equal(lines.at(-2), '3 passed, 0 failed, 3 skipped');
    assert.equal(lines.at(-1), 'skipped: 2 tests (no engine), 1 whole suite (no cluster)');
  });

  test('hold every failure, with where and what, and the output of its file', async (t) => {
    const root = project(t, {
      'src/bad': `describe('suite', () => { test('breaks', () => { console.log('its output'); throw new Error('the reason'); }); ${PASSES} });`,
      'src/good': `${PASSES} console.log('of no interest');`,
    });
    const { status, lines } = await run(root);
    assert.equal(status, 1);
    const all = lines.join('\n');
    assert.match(all, /^FAIL {2}src\/bad\.test\.ts: suite > breaks\n {4}Error: the reason$/m);
    assert.match(all, /^ {4}its output$/m);
    assert.match(all, /^failed: src\/bad\.test\.ts$/m);
    assert.doesNotMatch(all, /of no interest/);
    assert.equal(lines.at(-2), '2 passed, 1 failed, 0 skipped');
  });
});

suite('a file fails', { concurrency: 2 }, () => {
  for (const [what, code, words] of [
    ['in which no test ran', '', /no test ran/],
    ['that ends before its tests', `${PASSES} process.exit(3);`, /exit status 3/],
    ['that is killed', `test('dies', () => { process.kill(process.pid, 'SIGKILL'); });`, /ended by SIGKILL/],
    ['that cannot be loaded', "import './nowhere.js';", /exit status 1/],
    ['whose hook fails', `describe('s', () => { test.before(() => { throw new Error('hook'); }); ${PASSES} });`, /hook/],
    [
      'that leaves a process behind, in a session of its own',
      `test('leaves', () => { spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' }).unref(); });`,
      /processes left behind \(1\):\n +\d+ sleep 1000/,
    ],
  ] as const) {
    test(what, async (t) => {
      const { status, lines } = await run(project(t, { 'src/bad': code }));
      assert.equal(status, 1);
      assert.match(lines.join('\n'), words);
      assert.match(lines.at(-2) ?? '', /^\d+ passed, [12] failed, 0 skipped$/);
    });
  }
});

test('parts of paths, and a regular expression for names, choose what runs', async (t) => {
  const root = project(t, { 'src/one': `${PASSES} test('other', () => {});`, 'test/two': PASSES });
  assert.equal((await run(root, 'one')).lines.at(-2), '2 passed, 0 failed, 0 skipped');
  assert.equal((await run(root, 'src', 'test', '--name', '^passes$')).lines.at(-2), '2 passed, 0 failed, 0 skipped');
  assert.equal((await run(root, 'nothing')).status, 1);
});

test('tests of time run alone after all others', async (t) => {
  const note = (name: string): string =>
    `test('x', async () => { fs.appendFileSync('log', '+${name}\\n'); await new Promise((r) => setTimeout(r, 300)); fs.appendFileSync('log', '-${name}\\n'); });`;
  const files = ['src/a', 'src/b', 'src/c', 'test/d.slurm-e', 'src/f.time', 'src/g.time'];
  const root = project(t, Object.fromEntries(files.map((name) => [name, note(name)])));
  assert.equal((await run(root)).status, 0);
  const log = readFileSync(join(root, 'log'), 'utf8').trim().split('\n');
  assert.deepEqual(log.slice(-4).sort(), ['+src/f.time', '+src/g.time', '-src/f.time', '-src/g.time']);
  assert.equal(log.at(-3), log.at(-4)?.replace('+', '-'), 'one after the other');
  assert.notEqual(log[1]?.[0], '-', 'the others run together');
});

suite('a signal ends all that was started', { concurrency: 2 }, () => {
  const HANGS = `test('hangs', async () => {
    const script = 'trap "" TERM INT HUP; echo $$ >>pids; sleep 1000 & echo $! >>pids; wait';
    spawn('sh', ['-c', script], { stdio: 'inherit' });
    spawn('sh', ['-c', script], { detached: true, stdio: 'ignore' });
    fs.appendFileSync('pids', process.pid + '\\n');
    fs.writeFileSync(process.env.TMPDIR + '/left', '');
    fs.writeFileSync('temporary', process.env.TMPDIR);
    await new Promise((r) => setTimeout(r, 1_000_000));
  });`;
  for (const [signal, what] of [
    ['SIGTERM', 'npm'],
    ['SIGINT', 'node'],
    ['SIGHUP', 'node'],
    ['SIGKILL', 'node'],
  ] as const) {
    test(`${signal} to ${what}`, async (t) => {
      const root = project(t, { 'src/hangs': HANGS, 'src/more': HANGS });
      const words = what === 'npm' ? ['npm', 'test', '--prefix', root] : [process.execPath, RUNNER, '--root', root];
      const program = Program.run(t, 'sh', ['-c', 'cd "$0" && exec "$@"', root, ...words]);
      const pids = (): number[] =>
        existsSync(join(root, 'pids')) ? readFileSync(join(root, 'pids'), 'utf8').trim().split('\n').map(Number) : [];
      await until(
        () => pids().length === 10,
        () => `all processes: ${program.stdout}${program.stderr}`,
        30_000,
      );
      program.child.kill(signal);
      const left = async (): Promise<number> => (await Promise.all(pids().map(isAlive))).filter((lives) => lives).length;
      t.after(() => {
        for (const pid of pids()) spawnSync('kill', ['-KILL', String(pid)]);
      });
      let count = 10;
      const startMs = performance.now();
      while (count > 0 && performance.now() - startMs < 30_000) count = await left();
      assert.equal(count, 0, `${program.stdout}${program.stderr}`);
      const { code } = await program.exit();
      assert.ok(code !== 0, `${code}`);
      const temporary = readFileSync(join(root, 'temporary'), 'utf8');
      await until(() => !existsSync(temporary), 'the temporary files to be gone');
    });
  }
});

suite('--changed', () => {
  const write = (root: string, file: string, text: string): void => {
    mkdirSync(join(root, dirname(file)), { recursive: true });
    writeFileSync(join(root, file), text);
  };

  test('finds the tests that import a changed file, name it, or start its program', async (t) => {
    const root = project(t, {});
    write(root, 'src/sim/deep.ts', 'export const a = 1;');
    write(root, 'src/sim/near.ts', "import { a } from './deep.ts';");
    write(root, 'src/sim/near.test.ts', "import { b } from './near.ts';");
    write(root, 'test/sim.test.ts', "import { c } from './support.ts'; Program.start(t, 'sim', []);");
    write(root, 'test/sim.slurm-x.test.ts', "Program.start(t, 'sim', []);");
    write(root, 'test/router.test.ts', "Program.start(t, 'router', []);");
    write(root, 'test/docs.test.ts', "readdirSync('docs'); readFileSync('package.json');");
    const { concerned } = (await import(pathToFileURL(`${ROOT}tools/test/changed.mjs`).href)) as {
      concerned(root: string, tests: readonly string[], changed: readonly string[]): string[];
    };
    const tests = ['src/sim/near', 'test/sim', 'test/sim.slurm-x', 'test/router', 'test/docs'].map((name) => `${name}.test.ts`);
    const of = (...changed: string[]): string[] => concerned(`${root}/`, tests, changed).map((file) => file.replace('.test.ts', ''));
    assert.deepEqual(of('src/sim/deep.ts'), ['src/sim/near', 'test/sim']);
    assert.deepEqual(of('src/sim/deep.ts', 'test/support.ts'), ['test/sim', 'src/sim/near'], 'the nearest first');
    assert.deepEqual(of('src/bin/router.ts'), ['test/router']);
    assert.deepEqual(of('test/support.ts'), ['test/sim']);
    assert.deepEqual(of('docs/page.md'), ['test/docs']);
    assert.deepEqual(of('package.json'), ['test/docs']);
    assert.deepEqual(of('test/sim.slurm-x.test.ts'), ['test/sim.slurm-x']);
    assert.deepEqual(of('LICENSE'), []);
    assert.equal(of('tsconfig.json').length, tests.length);
  });

  test('asks git what differs from the main branch, with what is new', async (t) => {
    const root = project(t, { 'src/a': PASSES, 'src/b': PASSES, 'src/c': PASSES });
    write(root, '.gitignore', '.build\n');
    const git = (...args: string[]): void => {
      const who = ['-c', 'user.name=t', '-c', 'user.email=t@t', '-c', 'commit.gpgsign=false'];
      const { status, stderr } = spawnSync('git', [...who, ...args], { cwd: root, encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    };
    git('init', '--quiet', '--initial-branch=main');
    git('add', '.');
    git('commit', '--quiet', '-m', 'one');
    assert.equal((await run(root, '--changed')).status, 0);
    git('checkout', '--quiet', '-b', 'work');
    write(root, 'src/a.test.ts', '// committed');
    git('commit', '--quiet', '-am', 'two');
    write(root, 'src/b.test.ts', '// not committed');
    write(root, 'src/new.test.ts', '');
    write(root, '.build/src/new.test.js', `${BEGINNING}${PASSES}`);
    const { status, lines } = await run(root, '--changed');
    assert.equal(status, 0);
    assert.match(lines.at(-4) ?? '', /^3 files have changed; 1 test files do not concern them directly$/);
    assert.equal(lines.at(-2), '3 passed, 0 failed, 0 skipped');
    assert.equal((await run(root, '--changed=HEAD')).lines.at(-2), '2 passed, 0 failed, 0 skipped');
  });
});
