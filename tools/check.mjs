#!/usr/bin/env node
// npm run check: checks the sources without running tests: generated files, format and lint, types, dead code.
// Stops at the first step that fails. A step that examined no file fails too. npm run check:python checks the Python package.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

function run(what, file, args) {
  const begun = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], { cwd: root, encoding: 'utf8' });
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  if (status === 0) {
    console.log(`ok    ${what} (${seconds} s)`);
    return stdout + stderr;
  }
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  console.error(`FAIL  ${what} (${seconds} s): node ${file} ${args.join(' ')}`);
  process.exit(1);
}

run('generated files are fresh', 'tools/generate.mjs', ['--check']);
const lint = run('format and lint', 'node_modules/@biomejs/biome/bin/biome', ['check', '.']);
const sources = readdirSync(`${root}src`, { recursive: true }).filter((file) => file.endsWith('.ts')).length;
const looked = Number(/Checked (\d+) files/.exec(lint)?.[1] ?? 0);
if (sources === 0 || looked < sources) {
  console.error(`FAIL  the linter looked at ${looked} files, src alone has ${sources}`);
  process.exit(1);
}
run('types', 'node_modules/typescript/bin/tsc', ['-p', 'tsconfig.json']);
run('no dead code', 'node_modules/knip/bin/knip.js', ['--no-progress']);
console.log(`all checks passed in ${(performance.now() / 1000).toFixed(1)} s; ${looked} files linted`);
