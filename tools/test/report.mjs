// Prints a run of tests: the state while it runs, each failure as it happens, and at the end the failures with their errors, the slowest
// files, the time, and in the last two lines the counts and the reasons for skipping.
import { availableParallelism, loadavg } from 'node:os';

const PROGRESS_MS = 15_000;
const SLOWEST = 8;
const SHORTEST_PHASE_MS = 50;
/** Lines of an error to print. */
const MOST_LINES = 40;
/** Lines of the output of a failed file to print. */
const MOST_OUTPUT_LINES = 15;

const seconds = (ms) => (ms / 1000).toFixed(ms < 10_000 ? 1 : 0);
const plural = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`;
const indent = (text, most) => {
  const lines = text.split('\n');
  const shown = lines.length > most ? [...lines.slice(0, most), `... ${lines.length - most} more lines`] : lines;
  return shown.map((line) => `    ${line}`.trimEnd()).join('\n');
};
/** `test/x.test.ts: suite > name`. */
const title = (file, names) => `${file}: ${names.length === 0 ? '(the file)' : names.join(' > ')}`;

export class Report {
  #results = new Map();
  #running = new Set();
  #begunMs = performance.now();
  #phases = [];
  #timer;
  #total = 0;

  /** `out`: a stream. A terminal shows the state continuously, anything else a line every 15 s. */
  constructor(out, isVerbose) {
    this.out = out;
    this.isVerbose = isVerbose;
  }

  /** Notes the duration of a phase, such as the build, for the closing lines. */
  phase(name, startMs) {
    const tookMs = performance.now() - startMs;
    if (tookMs > SHORTEST_PHASE_MS) this.#phases.push(`${name} ${seconds(tookMs)}`);
  }

  start(total) {
    this.#total = total;
    this.#timer = setInterval(() => this.#progress(), this.out.isTTY ? 200 : PROGRESS_MS);
  }

  begun(file) {
    this.#running.add(file);
  }

  ended(file, result) {
    this.#running.delete(file);
    this.#results.set(file, result);
    if (this.isVerbose)
      this.#print(`${result.failed > 0 ? 'FAIL' : 'ok  '}  ${file} (${plural(result.tests, 'test')}, ${seconds(result.tookMs)} s)`);
    for (const { names } of result.failures) this.#print(`FAIL  ${title(file, names)}`);
    if (this.isVerbose && result.notes.length > 0) this.#print(indent(result.notes.join('\n'), MOST_LINES));
  }

  /** Stops showing the state. */
  stop() {
    clearInterval(this.#timer);
    if (this.out.isTTY) this.out.write('\r\x1b[K');
  }

  get durations() {
    return Object.fromEntries([...this.#results].map(([file, { tookMs }]) => [file, Math.round(tookMs)]));
  }

  get failed() {
    return this.#sum('failed');
  }

  get tests() {
    return this.#sum('tests');
  }

  /** Prints the closing lines. `note`: a line on files that did not run, or null. */
  close(note) {
    this.stop();
    const results = [...this.#results];
    for (const [file, { failures, output }] of results.filter(([, { failures }]) => failures.length > 0)) {
      for (const { names, text } of failures) this.#print(`\nFAIL  ${title(file, names)}\n${indent(text, MOST_LINES)}`);
      const said = output.trim().split('\n').slice(-MOST_OUTPUT_LINES).join('\n');
      if (said !== '') this.#print(`  output of ${file}:\n${indent(said, MOST_OUTPUT_LINES)}`);
    }
    const failing = results.filter(([, { failed }]) => failed > 0).map(([file]) => file);
    if (failing.length > 0) this.#print(`\nfailed: ${failing.join(' ')}`);
    const slow = results.sort(([, a], [, b]) => b.tookMs - a.tookMs).slice(0, SLOWEST);
    this.#print('slowest files, and their CPU time:');
    for (const [file, { tookMs, cpuMs }] of slow) this.#print(`${seconds(tookMs).padStart(5)} s ${seconds(cpuMs).padStart(5)} s  ${file}`);
    if (note !== null) this.#print(note);
    const skips = results.flatMap(([, result]) => result.skips);
    this.#print(
      `${plural(results.length, 'file')} in ${seconds(performance.now() - this.#begunMs)} s (${this.#phases.join(', ')}), ` +
        `CPU time ${seconds(this.#sum('cpuMs'))} s; ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}`,
    );
    this.#print(`${this.#sum('passed')} passed, ${this.failed} failed, ${skips.length} skipped`);
    this.#print(`skipped: ${skips.length === 0 ? 'none' : skipReasons(skips)}`);
  }

  #sum(key) {
    return [...this.#results.values()].reduce((sum, result) => sum + result[key], 0);
  }

  #print(text) {
    this.out.write(`${this.out.isTTY ? '\r\x1b[K' : ''}${text}\n`);
  }

  #progress() {
    const now = performance.now();
    const state = `${seconds(now - this.#begunMs)} s: ${this.#results.size} of ${plural(this.#total, 'file')}, ${plural(this.tests, 'test')}, ${this.failed} failed`;
    if (!this.out.isTTY) {
      this.#print(state);
      return;
    }
    const line = `${state}; running: ${[...this.#running].join(' ')}`;
    this.out.write(`\r\x1b[K${line.slice(0, (this.out.columns ?? 80) - 1)}`);
  }
}

/** `2 tests (no engine), 1 whole suite (no cluster)`. node:test does not say how many tests a skipped suite has. */
function skipReasons(skips) {
  const byReason = new Map();
  for (const { why, isSuite, names } of skips) {
    const entry = byReason.get(why) ?? { tests: 0, suites: [] };
    if (isSuite) entry.suites.push(names.join(' > '));
    else entry.tests++;
    byReason.set(why, entry);
  }
  return [...byReason]
    .map(([why, { tests, suites }]) => {
      const what = [...(tests > 0 ? [plural(tests, 'test')] : []), ...(suites.length > 0 ? [plural(suites.length, 'whole suite')] : [])];
      return `${what.join(' and ')} (${why})`;
    })
    .join(', ');
}
