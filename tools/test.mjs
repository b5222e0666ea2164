#!/usr/bin/env node
// npm test: builds dist/ (what users run) and .build/ (sources and tests), then runs the tests. The last lines show the failures, the
// slowest files, the time and the counts. Fails if no test ran. A signal ends every process that it has started.
//
//   npm test                     all files
//   npm test -- PART ...         files whose path contains one of the parts
//   npm test -- --changed        files that concern the changes since the main branch; --changed=REF: since another commit
//
// --name REGEX runs only tests with a matching name, --verbose prints each file as it ends.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { changedFiles, concerned } from './test/changed.mjs';
import { MARK } from './test/processes.mjs';
import { Report } from './test/report.mjs';
import { runLanes } from './test/run-lanes.mjs';
import { byDuration, findTests } from './test/select.mjs';
import { Session } from './test/session.mjs';

const { values, positionals: parts } = parseArgs({
  // parseArgs has no option whose value may be missing.
  args: process.argv.slice(2).map((arg) => (arg === '--changed' ? '--changed=' : arg)),
  options: {
    changed: { type: 'string' },
    name: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    // For the tests of this program: another root, with compiled files.
    root: { type: 'string' },
  },
  allowPositionals: true,
});
const root = values.root === undefined ? fileURLToPath(new URL('..', import.meta.url)) : `${values.root}/`;
/** The duration of each file in the last run. */
const timesFile = `${root}.build/test-times.json`;

const report = new Report(process.stdout, values.verbose);
const session = new Session((name) => {
  report.stop();
  console.error(`${name}: ending what was started`);
});

async function build() {
  const beganMs = performance.now();
  for (const args of [['tools/build.mjs'], ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']]) {
    const child = spawn(process.execPath, args, { stdio: 'inherit', cwd: root, env: { ...process.env, [MARK]: session.mark } });
    const code = await new Promise((resolve) => child.once('exit', resolve));
    if (code !== 0) await session.end(1);
  }
  report.phase('build', beganMs);
}

/** The files to run, and for --changed a line on the others. */
function select() {
  const found = findTests(root).filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)));
  if (values.changed === undefined) return { files: found, note: null };
  const changed = changedFiles(root, ...(values.changed === '' ? [] : [values.changed]));
  const files = concerned(root, found, changed);
  return { files, note: `${changed.length} files have changed; ${found.length - files.length} test files do not concern them directly` };
}

const { files, note } = select();
if (note !== null) console.log(note);
if (files.length === 0) {
  console.error('no test file matches');
  await session.end(note === null ? 1 : 0);
}
if (values.root === undefined) await build();
const times = existsSync(timesFile) ? JSON.parse(readFileSync(timesFile, 'utf8')) : {};
report.start(files.length);
await runLanes(
  values.changed === undefined ? byDuration(files, times) : files,
  {
    root,
    mark: session.mark,
    signal: session.signal,
    args: values.name === undefined ? [] : [`--test-name-pattern=${values.name}`],
    env: { TMPDIR: session.temporary },
    // Many tests wait for something most of their time.
    width: availableParallelism() + 1,
  },
  report,
);
if (!session.signal.aborted) {
  report.close(note);
  writeFileSync(timesFile, JSON.stringify({ ...times, ...report.durations }, null, 1));
  await session.end(report.failed > 0 || report.tests === 0 ? 1 : 0);
}
