/** What every launcher prepares before it starts a process of a plan: symbols, files and log. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../base/core/clock.ts';
import type { PlannedProcess } from '../plan/plan.ts';
import { LaunchError, type NodeBinding, type RunPlace } from './launcher.ts';
import { LogFile } from './log-file.ts';
import type { SymbolValues } from './symbols.ts';

/** Options of every launcher. */
export interface LaunchOptions {
  readonly clock: Clock;
  /** What every process gets before its own variables. */
  readonly environment: NodeJS.ProcessEnv;
  /** For `<node-binary>` and `<package>`: absolute, the same on every node. */
  readonly nodeBinary: string;
  readonly packageDirectory: string;
  /** Takes secrets out of a line of output. */
  readonly redact: (text: string) => string;
}

export function symbolValues(nodes: readonly NodeBinding[], run: RunPlace, options: LaunchOptions): SymbolValues {
  return {
    addresses: new Map(nodes.map(({ node, address }) => [node, address])),
    run: run.directory,
    job: run.id,
    nodeBinary: options.nodeBinary,
    package: options.packageDirectory,
  };
}

/** Rejects with a LaunchError. */
export async function writeProcessFiles(process: PlannedProcess, run: RunPlace, bind: (text: string) => string): Promise<void> {
  for (const file of process.files) {
    const path = join(run.directory, file.path);
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, bind(file.content));
    } catch (error) {
      throw new LaunchError(`${process.id}: cannot write its file ${path}: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** Rejects with a LaunchError. */
export async function openProcessLog(
  process: PlannedProcess,
  run: RunPlace,
  clock: Clock,
  onFailure: (code: string) => void,
): Promise<LogFile> {
  const path = join(run.directory, process.log);
  try {
    return await LogFile.open(path, clock, onFailure);
  } catch (error) {
    throw new LaunchError(`${process.id}: cannot open its log ${path}: ${(error as Error).message}`, { cause: error });
  }
}
