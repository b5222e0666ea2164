/**
 * npm run test:lineage -- CHECKOUT...: runs the tests that sglang_router and smg come with against our wheel.
 *
 * CHECKOUT is the folder of the router in a checkout of one of their repositories, or an unpacked source package of sglang-router:
 * 0.3.0 has py_test/integration_mock (mock workers), 0.3.2 has e2e_test (worker API).
 *
 *   --engine URL   a real engine for the worker API tests; without it a simulated one
 *   -k EXPRESSION  goes to pytest
 *
 * Exit status 1 if a test fails that is not in expectations.ts, or passes although it is.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Program, ROOT } from '../../test/support/program.ts';
import { isRight, type Result, readResults, table } from './results.ts';
import { prepareSuites, type Suite } from './suites.ts';

const VENV = `${ROOT}python/.venv/lineage`;
const PYTHON = `${VENV}/bin/python`;
/** What the suites import. */
const NEEDED = ['pytest', 'requests', 'httpx', 'fastapi', 'uvicorn', 'cryptography'];
const MOST_OUTPUT_BYTES = 2 ** 28;

const { values, positionals } = parseArgs({
  options: { engine: { type: 'string' }, k: { type: 'string', short: 'k' } },
  allowPositionals: true,
});

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `exit status ${status}`}`);
}

/** Our wheel of this moment, in an environment that has what the suites import. */
function install(): void {
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  run(process.execPath, ['tools/build-wheel.mjs']);
  const wheels = readdirSync(`${ROOT}python/dist`).map((file) => `python/dist/${file}`);
  if (!existsSync(VENV)) {
    run('python3', ['-m', 'venv', VENV]);
    run(PYTHON, [...pip, ...NEEDED, ...wheels]);
  } else run(PYTHON, [...pip, '--force-reinstall', '--no-deps', ...wheels]);
}

function runSuite({ name, cwd, tests }: Suite, engineUrl: string): readonly Result[] {
  process.stdout.write(`\n${name}\n`);
  const only = values.k === undefined ? [] : ['-k', values.k];
  const args = ['-m', 'pytest', '-q', '-rA', '--tb=short', '--show-capture=stderr', '-p', 'no:cacheprovider', ...only, tests];
  const env = { ...process.env, PATH: `${VENV}/bin:${process.env['PATH']}`, LINEAGE_ENGINE_URL: engineUrl };
  const { stdout, error } = spawnSync(PYTHON, args, {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: MOST_OUTPUT_BYTES,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (error !== undefined) throw error;
  const results = readResults(stdout);
  if (!isRight(results)) process.stdout.write(stdout);
  process.stdout.write(`${table(results)}\n`);
  return results;
}

const ends: (() => void | Promise<void>)[] = [];
const work = mkdtempSync(join(tmpdir(), 'lineage-'));
ends.push(() => rmSync(work, { recursive: true, force: true }));
try {
  const suites = positionals.flatMap((checkout, i) => prepareSuites(resolve(checkout), join(work, String(i))));
  if (suites.length === 0) throw new Error('expected: npm run test:lineage -- CHECKOUT..., with py_test or e2e_test in it');
  install();
  let url = values.engine;
  if (url === undefined) {
    const engine = Program.start({ after: (end) => void ends.push(end) }, 'sim', ['--port', '0', '--log-level', 'error']);
    await engine.says('sglang-sim ready');
    url = /ready (\S+)/.exec(engine.stdout)?.[1] ?? '';
  }
  const engineUrl = url;
  process.exitCode = suites.map((suite) => runSuite(suite, engineUrl)).every(isRight) ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
} finally {
  for (const end of ends.reverse()) await end();
}
