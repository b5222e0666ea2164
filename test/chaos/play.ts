/** Plays a cell against `srtctl apply --local` as a program, and tells what came of it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { realClock } from '../../src/base/runtime/clock.ts';
import { endMarked, markedProcesses, type RunMarks } from '../../src/srtctl/launch/marked.ts';
import { markOf } from '../../src/srtctl/launch/proc.ts';
import { GUARD_NAME } from '../../src/srtctl/local/guard.ts';
import type { StatusFile } from '../../src/srtctl/supervise/run-directory.ts';
import { ROOT } from '../support/program.ts';
import { srtctl } from '../support/srtctl-command.ts';
import type { ChaosCell, Phase } from './cells.ts';

export interface Outcome {
  readonly cell: ChaosCell;
  readonly code: number | null;
  readonly firstLine: string;
  readonly seconds: number;
  /** Processes with the mark of the run, at the end. */
  readonly left: readonly string[];
  /** What is not as it must be; empty: all is well. */
  readonly wrong: readonly string[];
}

const LIMIT_MS = 90_000;
const PAUSE_MS = 50;

const SETTINGS: Readonly<Record<Phase, readonly string[]>> = {
  starting: ['--set', 'backend.sglang_config.prefill.startup-delay-secs=60'],
  benchmarking: ['--set', 'benchmark.num_prompts_mult=100000'],
  serving: ['--unset', 'benchmark'],
  stopping: ['--unset', 'benchmark'],
};

const STATES: Readonly<Record<Phase, StatusFile['state']>> = {
  starting: 'starting',
  benchmarking: 'benchmarking',
  serving: 'serving',
  stopping: 'stopping',
};

export async function play(cell: ChaosCell): Promise<Outcome> {
  const outputs = mkdtempSync(path.join(tmpdir(), 'srtctl-chaos-'));
  const run = new ChaosRun(outputs, cell.phase);
  // Timers of the clock keep no process alive.
  const alive = setInterval(() => {}, LIMIT_MS);
  try {
    await run.reaches(cell.phase);
    const beganMs = performance.now();
    await run.suffer(cell);
    const exit = await run.end();
    if (cell.fault.kind === 'supervisor' && cell.fault.signal === 'SIGKILL' && !cell.needsForce) await run.leavesNothing();
    const status = cell.firstLine === null ? null : await srtctl(['status', run.id, '-o', outputs]);
    const seconds = (performance.now() - beganMs) / 1000;
    const wrong: string[] = [];
    if (cell.needsForce) {
      const forced = await srtctl(['cancel', '--force', run.id, '-o', outputs]);
      if (forced.code !== 0) wrong.push(`cancel --force ended with ${forced.code}: ${forced.stderr}`);
    }
    const left = (await markedProcesses(run.marks)).map(({ pid, command }) => `pid ${pid} (${command})`);
    const code = cell.code === null ? (status?.code ?? null) : exit;
    const firstLine = status?.stdout.split('\n')[0] ?? run.text.trim().split('\n').at(-1) ?? '';
    if (code !== (cell.code ?? 7)) wrong.push(`exit code ${code}, expected ${cell.code ?? 7}`);
    if (cell.firstLine !== null && !cell.firstLine.test(firstLine)) wrong.push(`first line: ${firstLine}`);
    const said = `${run.text}${status?.stdout ?? ''}`;
    if (!cell.cause.test(said)) wrong.push(`the cause is not named: ${said.slice(-600)}`);
    if (seconds > cell.withinSeconds) wrong.push(`took ${seconds.toFixed(1)} s, at most ${cell.withinSeconds} s`);
    if (left.length > 0) wrong.push(`left: ${left.join(', ')}`);
    return { cell, code, firstLine, seconds, left, wrong };
  } finally {
    await run.destroy();
    clearInterval(alive);
    rmSync(outputs, { recursive: true, force: true });
  }
}

class ChaosRun {
  readonly #outputs: string;
  readonly #child: ReturnType<typeof spawn>;
  readonly #exit: Promise<number | null>;
  #id: string | null = null;
  /** Of both streams. */
  text = '';

  constructor(outputs: string, phase: Phase) {
    this.#outputs = outputs;
    const recipe = ['-f', 'recipes/quickstart.yaml', '--local', '-o', outputs];
    const args = ['dist/bin/srtctl.js', 'apply', ...recipe, '--set', 'health_check.silence_secs=30', ...SETTINGS[phase]];
    this.#child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.on('data', (bytes: Buffer) => (this.text += bytes.toString()));
    this.#exit = new Promise((resolve) => this.#child.once('exit', resolve));
  }

  get id(): string {
    this.#id ??= readdirSync(this.#outputs)[0] ?? null;
    if (this.#id === null) throw new Error(`there is no run: ${this.text}`);
    return this.#id;
  }

  get directory(): string {
    return path.join(this.#outputs, this.id);
  }

  get marks(): RunMarks {
    return { marks: [markOf({ id: this.id, directory: this.directory }, 'local')], directory: this.directory };
  }

  async reaches(phase: Phase): Promise<void> {
    const wanted = phase === 'stopping' ? 'serving' : phase;
    await this.#until(() => {
      const status = this.#status();
      const isThere = status?.state === STATES[wanted];
      return isThere && (wanted !== 'starting' || status.processes.filter(({ pid }) => pid !== null).length >= 2);
    }, wanted);
    if (phase !== 'stopping') return;
    this.#child.kill('SIGTERM');
    await this.#until(() => this.#status()?.state === 'stopping', 'stopping');
  }

  async suffer({ fault }: ChaosCell): Promise<void> {
    const supervisor = this.#child.pid ?? 0;
    switch (fault.kind) {
      case 'signal':
        process.kill(this.#status()?.processes.find(({ id }) => id === fault.to)?.pid ?? 0, fault.signal);
        return;
      case 'supervisor':
        if (fault.guard) {
          // Stopped first, or it would start another guard.
          process.kill(supervisor, 'SIGSTOP');
          process.kill(guardOf(this.marks.marks[0] ?? ''), 'SIGKILL');
        }
        process.kill(supervisor, fault.signal);
        return;
      case 'damage':
        writeFileSync(path.join(this.directory, fault.file), fault.text);
        this.#child.kill('SIGTERM');
        return;
      case 'no directory':
        // Known while it is there.
        void this.id;
        rmSync(this.directory, { recursive: true, force: true });
        await this.#until(() => this.text.includes('cannot be written'), 'the loss to be told');
        this.#child.kill('SIGTERM');
    }
  }

  async end(): Promise<number | null> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`the run does not end: ${this.text}`)), LIMIT_MS);
    });
    return await Promise.race([this.#exit, late]).finally(() => clearTimeout(timer));
  }

  /** The guard has some seconds. */
  async leavesNothing(): Promise<void> {
    for (let waitedMs = 0; waitedMs < 10_000; waitedMs += PAUSE_MS) {
      if ((await markedProcesses(this.marks)).length === 0) return;
      await pause();
    }
  }

  async destroy(): Promise<void> {
    this.#child.kill('SIGKILL');
    if (this.#id !== null) await endMarked(this.marks, realClock);
  }

  #status(): StatusFile | null {
    try {
      return JSON.parse(readFileSync(path.join(this.directory, 'status.json'), 'utf8')) as StatusFile;
    } catch {
      return null;
    }
  }

  async #until(isSo: () => boolean, what: string): Promise<void> {
    for (const untilMs = performance.now() + LIMIT_MS; !isSo(); await pause())
      if (performance.now() > untilMs || this.#child.exitCode !== null) throw new Error(`${what} is not reached: ${this.text}`);
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

function guardOf(mark: string): number {
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    try {
      if (!readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(GUARD_NAME)) continue;
      if (readFileSync(`/proc/${name}/environ`, 'utf8').split('\0').includes(`KEEPER_MARK=${mark}`)) return Number(name);
    } catch {
      // It has ended meanwhile, or belongs to somebody else.
    }
  }
  throw new Error('the run has no guard');
}
