#!/usr/bin/env node
// npm run check:python: lint, types and tests of the Python package, the tests over the installed wheel in a fresh virtual environment.
// `-- PART ...` goes to pytest; $PYTHON names another Python for the tests, such as python3.9. Where there is no python3 it says so and succeeds.
import { readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pythonTool, spawnTool, systemPython } from './python/venv.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const cwd = `${root}python`;
const parts = process.argv.slice(2);

if (systemPython() === null) {
  console.error('\n*** SKIPPED: the Python package is not checked, since python3 with venv is missing ***\n');
  process.exit(0);
}

const begun = performance.now();
const step = (what, run) => {
  const from = performance.now();
  run();
  console.log(`ok    ${what} (${((performance.now() - from) / 1000).toFixed(1)} s)`);
};

try {
  const tool = pythonTool();
  if (parts.length === 0) {
    step('Python: lint', () => spawnTool(tool, ['-m', 'ruff', 'check', '--quiet', '.'], { cwd }));
    step('Python: format', () => spawnTool(tool, ['-m', 'ruff', 'format', '--quiet', '--check', '.'], { cwd }));
    step('Python: nothing newer than 3.9', () =>
      spawnTool(tool.replace(/python$/, 'vermin'), ['--quiet', '--target=3.9-', '--no-tips', '--violations', 'src'], { cwd }),
    );
    step('Python: types', () => spawnTool(tool, ['-m', 'mypy', '--no-error-summary', '--cache-dir', '.venv/mypy'], { cwd }));
  }
  step('Python: wheel', () =>
    spawnTool(process.execPath, ['tools/build-wheel.mjs'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] }),
  );
  const fresh = `${cwd}/.venv/fresh`;
  step('Python: wheel installed in a fresh environment', () => {
    rmSync(fresh, { recursive: true, force: true });
    spawnTool(process.env.PYTHON ?? tool, ['-m', 'venv', '--without-pip', fresh]);
    const wheels = readdirSync(`${cwd}/dist`).map((file) => `dist/${file}`);
    const pip = ['-m', 'pip', '--python', `${fresh}/bin/python`, '--disable-pip-version-check', 'install', '--quiet'];
    spawnTool(tool, [...pip, ...wheels, 'pytest', 'pytest-xdist'], { cwd });
  });
  step('Python: tests', () =>
    spawnTool(
      `${fresh}/bin/python`,
      ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', '--maxfail=5', '-n', '2', '--dist', 'loadfile', ...parts],
      { cwd },
    ),
  );
  console.log(`the Python package passed (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
} catch (error) {
  console.error(`FAIL  ${error.message}`);
  process.exit(1);
}
