/**
 * Processes that outlived their step. SLURM ends the descendants of a task, by their control group or, where there are none
 * (proctrack/linuxproc), by following parents: then a daemon that left its parents is not found, and an engine that was killed leaves
 * its children with its GPUs.
 */
import { commandOf, processesOfRun } from './proc.ts';

/** Lines of the step's output that tell of one begin so. */
export const SWEPT_MARK = 'srtctl-swept ';

/** A process may start another between being seen and being ended. */
const ROUNDS = 10;

/** One line for each process that carries the mark of the run and was ended. */
export async function sweepNode(mark: string): Promise<readonly string[]> {
  const swept = new Map<number, string>();
  for (let round = 0; round < ROUNDS; round++) {
    const found = await processesOfRun(mark);
    if (found.length === 0) break;
    for (const pid of found) {
      const command = (await commandOf(pid)) ?? 'command unknown';
      if (kill(pid)) swept.set(pid, `${SWEPT_MARK}pid ${pid} (${command}) had left its step and was killed`);
    }
  }
  return [...swept.values()];
}

/** False: it ended by itself meanwhile, or it is not ours to end. */
function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}
