// One run of tests: its mark, its folder of temporary files, and its end, normal or by a signal.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MARK } from './processes.mjs';

const PARENT_MS = 200;
const GUARD = fileURLToPath(new URL('guard.mjs', import.meta.url));

export class Session {
  /** Prefix of the marks of all processes of the run. The mark of a run inside a test begins with the mark of that test. */
  mark = `${process.env[MARK] ?? ''}${process.pid}-${Date.now()}/`;
  /** $TMPDIR of the tests. */
  temporary = mkdtempSync(join(tmpdir(), 'router-test-'));
  /** Aborted by the first signal. */
  #abort = new AbortController();
  #guard;
  #guarded;

  /** `onSignal` gets the name of the signal that ends this process. */
  constructor(onSignal) {
    // Some tests start programs as another user.
    chmodSync(this.temporary, 0o755);
    this.#guard = spawn(process.execPath, [GUARD, this.mark, this.temporary], { stdio: ['pipe', 'ignore', 'inherit'], detached: true });
    this.#guarded = new Promise((resolve) => this.#guard.once('exit', resolve));
    const stop = (name) => {
      if (this.signal.aborted) return;
      this.#abort.abort();
      onSignal(name);
      void this.end(128 + constants.signals[name]);
    };
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, stop);
    // npm passes SIGTERM to the shell between it and this process. The shell dies, and this process gets no signal.
    const parent = process.ppid;
    if (process.env['npm_lifecycle_event'] !== undefined) setInterval(() => process.ppid !== parent && stop('SIGTERM'), PARENT_MS).unref();
  }

  get signal() {
    return this.#abort.signal;
  }

  /** Ends all processes of the run, then this process. */
  async end(code) {
    this.#guard.stdin.end();
    await this.#guarded;
    process.exit(code);
  }
}
