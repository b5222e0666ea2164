// The reporter in the process of a test file (--test-reporter): sends each result to the runner as one line of JSON through the
// descriptor REPORT. It does not touch the output of the tests.
import { readFileSync, writeSync } from 'node:fs';
import { inspect } from 'node:util';

/** The descriptor that the runner reads (test-process.mjs). */
const REPORT = 3;

/** The failure type of a suite or test that failed because of a test inside it. */
const REPEATED = 'subtestsFailed';

const NOT_NAMED = 'test name does not match pattern';

/** The error of a test as text, without the wrapper of node:test, the frames of Node, and what an assertion repeats. */
function textOf(error) {
  const cause = error.cause instanceof Error && error.failureType !== 'testTimeoutFailure' ? error.cause : error;
  const text = cause.code === 'ERR_ASSERTION' ? cause.stack : inspect(cause, { colors: false, depth: 6 });
  return text.replaceAll(/\n +at (?:[^\n]*\()?node:[^\n]*/g, '');
}

/** `names`: of the suites and tests around this one and of itself, outermost first. Null for a test that --name leaves out. */
function resultOf(type, data, names) {
  const { details } = data;
  const isSuite = details.type === 'suite';
  // Node 20 reports tests that --test-name-pattern leaves out.
  if (data.skip === NOT_NAMED) return null;
  if (data.skip !== undefined) return { type: 'skip', names, isSuite, why: data.skip };
  if (data.todo !== undefined) return { type: 'skip', names, isSuite, why: data.todo === true ? 'to do' : `to do: ${data.todo}` };
  if (type === 'test:pass') return { type: 'pass', isSuite };
  const isRepeated = details.error.failureType === REPEATED;
  return { type: 'fail', names, isSuite, isRepeated, line: data.line, text: isRepeated ? '' : textOf(details.error) };
}

/** CPU time of this process and of those that it has started and that have ended, ms. */
function cpuMs() {
  const { user, system } = process.cpuUsage();
  let ticks = 0;
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks = Number(fields[13]) + Number(fields[14]); // cutime and cstime, in hundredths of a second (proc(5)).
  } catch {
    // Only Linux tells of other processes.
  }
  return Math.round((user + system) / 1000 + ticks * 10);
}

const send = (line) => writeSync(REPORT, `${JSON.stringify(line)}\n`);

async function* report(source) {
  const names = [];
  for await (const { type, data } of source) {
    let line = null;
    // Node reports starts in the order of the file, a suite before its tests.
    if (type === 'test:start') names.splice(data.nesting, Number.POSITIVE_INFINITY, data.name);
    else if (type === 'test:pass' || type === 'test:fail') line = resultOf(type, data, [...names.slice(0, data.nesting), data.name]);
    else if (type === 'test:diagnostic' && !/^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/.test(data.message))
      line = { type: 'note', text: data.message };
    if (line !== null) send(line);
  }
  send({ type: 'end', cpuMs: cpuMs() });
  // Node rejects a reporter that yields nothing.
  yield '';
}

// biome-ignore lint/style/noDefaultExport: node:test loads the default export.
export default report;
