// Runs one test file in a process, reads its results from the reporter, and ends every process that the file has started.
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { commandOf, endAll, MARK, processesOf } from './processes.mjs';

const REPORTER = fileURLToPath(new URL('reporter.mjs', import.meta.url));

/** Characters of output to keep. The report shows the output of files that fail. */
const MOST_OUTPUT = 16_384;
/** A file that takes longer has hung. */
const LIMIT_MS = 600_000;
/** How long processes that a test has ended may take to disappear. */
const LEAVE_MS = 2000;

/**
 * Runs `file` (compiled, below `root`) and resolves with its results:
 *
 *     { tests, passed, failures: [{ names, text, line }], failed, skips: [{ names, why, isSuite }], notes, tookMs, cpuMs, output }
 *
 * `mark` identifies its processes. `isUrgent` puts them before other programs where the user may do that. When `stopped` resolves, the result is null, and the guard ends the processes (guard.mjs).
 */
export async function runTestFile({ root, file, mark, args, env, isUrgent, stopped }) {
  const result = { tests: 0, passed: 0, failed: 0, failures: [], skips: [], notes: [], tookMs: 0, cpuMs: 0, output: '' };
  const begun = performance.now();
  const child = spawn(
    process.execPath,
    ['--enable-source-maps', `--test-reporter=${REPORTER}`, '--test-reporter-destination=stdout', ...args, file],
    { cwd: root, env: { ...process.env, ...env, [MARK]: mark }, stdio: ['ignore', 'pipe', 'pipe', 'pipe'], detached: true },
  );
  if (isUrgent) raise(child.pid);
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      result.output = `${result.output}${text}`.slice(-MOST_OUTPUT);
    });
  const reported = new Promise((resolve) => {
    createInterface({ input: child.stdio[3] })
      .on('line', (line) => take(result, JSON.parse(line)))
      .on('close', resolve);
  });
  // Not 'close': processes that a test has left behind may hold the pipes of its output. The pipe of the reporter is not inherited.
  const exit = new Promise((resolve) => {
    child.on('error', (error) => resolve({ code: null, ended: error.message }));
    child.on('exit', (code, by) => resolve({ code, ended: by === null ? `exit status ${code}` : `ended by ${by}` }));
  });
  const closed = new Promise((resolve) => child.on('close', resolve));
  const late = new AbortController();
  const hangs = sleep(LIMIT_MS, 'hangs', { signal: late.signal }).catch(() => {});
  const end = await Promise.race([exit, hangs, stopped]);
  late.abort();
  if (end === null) return null;
  if (end === 'hangs') await endAll(mark, child.pid);
  await reported;
  if (end === 'hangs') fail(result, `did not end within ${LIMIT_MS / 1000} s`);
  else await judgeEnd(result, end, mark, child.pid);
  await closed;
  result.tookMs = performance.now() - begun;
  return result;
}

/** Linux may share the cores among sessions and not among processes: then the priority of the session counts (autogroup, sched(7)). */
function raise(pid) {
  const priority = constants.priority.PRIORITY_HIGH;
  try {
    setPriority(pid, priority);
    if (existsSync(`/proc/${pid}/autogroup`)) writeFileSync(`/proc/${pid}/autogroup`, String(priority));
  } catch {
    // Only root may raise a priority.
  }
}

/** Adds one line of the reporter. Counts as node:test does: a suite counts only if it fails itself, such as in a hook. */
function take(result, { type, isSuite, names, why, text, line, isRepeated, cpuMs }) {
  if (type === 'end') {
    result.cpuMs = cpuMs;
    return;
  }
  if (type === 'note') {
    result.notes.push(text);
    return;
  }
  if (!isSuite) result.tests++;
  if (type === 'skip') result.skips.push({ names, why: why === true || why === '' ? 'no reason given' : String(why), isSuite });
  else if (type === 'pass') result.passed += isSuite ? 0 : 1;
  else {
    if (!isSuite || !isRepeated) result.failed++;
    if (!isRepeated) result.failures.push({ names, text, line });
  }
}

/** A failure of the file as a whole. */
function fail(result, text) {
  result.failed++;
  result.failures.push({ names: [], text, line: null });
}

async function judgeEnd(result, { code, ended }, mark, pid) {
  if (code !== 0 && result.failed === 0) fail(result, [ended, ...result.notes].join('\n'));
  else if (result.tests === 0 && result.skips.length === 0) fail(result, 'no test ran');
  let left = processesOf(mark, pid);
  for (const deadline = performance.now() + LEAVE_MS; left.length > 0 && performance.now() < deadline; left = processesOf(mark, pid))
    await sleep(20);
  if (left.length === 0) return;
  fail(result, `processes left behind (${left.length}):\n${left.map((one) => `  ${one} ${commandOf(one)}`).join('\n')}`);
  await endAll(mark, pid);
}
