#!/usr/bin/env node
// npm test: builds dist/ (what users run) and .build/ (sources and tests), then runs every test file with node:test.
// `npm test -- PART ...` runs only the files whose path contains one of the parts. Fails when no test ran.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = (args) => {
  const { status } = spawnSync(process.execPath, args, {
    stdio: 'inherit',
    cwd: root,
  });
  if (status !== 0) process.exit(status ?? 1);
};
run(['tools/build.mjs']);
run(['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']);

const parts = process.argv.slice(2);
const files = ['.build/src', '.build/test', '.build/tools', '.build/bench']
  .filter((dir) => existsSync(root + dir))
  .flatMap((dir) => readdirSync(root + dir, { recursive: true }).map((file) => `${dir}/${file}`))
  .filter((file) => file.endsWith('.test.js'))
  // A compiled test whose source has been removed must not run.
  .filter((file) => existsSync(root + file.replace(/^\.build\//, '').replace(/\.js$/, '.ts')))
  .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
  .sort();
if (files.length === 0) {
  console.error('no test file matches');
  process.exit(1);
}
run(['--enable-source-maps', '--test', '--test-reporter=spec', ...files]);
