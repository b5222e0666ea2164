/** Builds the load generator and the mock worker with g++, and talks to mock workers. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { getJson } from './entrants/readiness.ts';
import { findProgram, type Program, type Programs } from './processes.ts';

const SOURCES = fileURLToPath(new URL('../../../bench/race/native/', import.meta.url));

const run = promisify(execFile);

/** Compiles both programs into `dir`. Rejects if there is no g++ or it fails. */
export async function buildNative(dir: string): Promise<void> {
  if (!findProgram('g++')) throw new Error('the race needs g++ (apt-get install g++)');
  const compile = (name: string) => run('g++', ['-O2', '-std=c++17', '-o', join(dir, name), `${SOURCES}${name}.cpp`]);
  await Promise.all(['load', 'worker'].map(compile));
}

export type Role = 'plain' | 'prefill' | 'decode';

/** Starts a mock worker on a port of its choice. */
export async function startWorker(programs: Programs, name: string, role: Role): Promise<Program> {
  const program = programs.start(name, join(programs.dir, 'worker'), ['0', role]);
  for (let i = 0; i < 100 && !/^\d+\n/.test(program.output) && !program.isDead; i++) await sleep(20);
  program.port = Number.parseInt(program.output, 10);
  if (!program.port) throw new Error(`the mock worker did not start: ${program.lastWords()}`);
  return program;
}

/** What a mock worker counted since the last reset. */
export interface WorkerCounters {
  readonly posts: number;
  readonly aborted: number;
  /** Requests by prefix tag. */
  readonly prefixes: Readonly<Record<string, number>>;
}

export async function resetWorker(worker: Program, rate: number, phases: number): Promise<void> {
  await getJson(worker.port, `/mock?reset=1&rate=${rate}&phases=${phases}`);
}

export async function readCounters(worker: Program): Promise<WorkerCounters> {
  const { body } = await getJson(worker.port, '/mock');
  return body as WorkerCounters; // the mock worker of this folder writes exactly this
}
