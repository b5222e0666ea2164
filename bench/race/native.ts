/** Builds the load generator and the mock worker with g++, and talks to mock workers. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { getJson } from './entrants/readiness.ts';
import { findProgram, type Program, type Programs } from './processes.ts';

const SOURCES = fileURLToPath(new URL('../../../bench/race/native/', import.meta.url));

/** Beside the compiled race; another folder for every change of the sources. */
function buildFolder(): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(SOURCES).sort()) hash.update(file).update(readFileSync(join(SOURCES, file)));
  return fileURLToPath(new URL(`./native-${hash.digest('hex').slice(0, 16)}/`, import.meta.url));
}

/** Puts both programs into the folder of `programs`; compiles them unless an earlier race has. Rejects if there is no g++ or it fails. */
export async function buildNative(programs: Programs): Promise<void> {
  const built = buildFolder();
  mkdirSync(built, { recursive: true });
  const compile = async (name: string): Promise<void> => {
    if (!existsSync(join(built, name))) {
      if (!findProgram('g++')) throw new Error('the race needs g++ (apt-get install g++)');
      const fresh = join(built, `${name}-${process.pid}`);
      const { code } = await programs.run('g++', ['-O2', '-std=c++17', '-o', fresh, `${SOURCES}${name}.cpp`]);
      if (code !== 0) throw new Error(`g++ could not compile ${name}.cpp, see above`);
      renameSync(fresh, join(built, name));
    }
    symlinkSync(join(built, name), join(programs.dir, name));
  };
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
