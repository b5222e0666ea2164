/** Ends what left the process groups of a run. */
import type { Clock } from '../../base/core/clock.ts';
import { commandOf, processesOfRun } from '../launch/proc.ts';

/** How often it is looked for, and the pause in between: one may start another meanwhile, and the kernel takes its time to end one. */
const ROUNDS = 50;
const PAUSE_MS = 20;

/** Everything that carries the mark of a run, which must have ended otherwise. One sentence for each process, when none is left. */
export async function killStrays(mark: string, clock: Clock): Promise<string[]> {
  const killed = new Map<number, string>();
  for (let round = 0; round < ROUNDS; round++) {
    const strays = await processesOfRun(mark);
    if (strays.length === 0) break;
    for (const pid of strays) {
      const command = await commandOf(pid);
      if (isKilled(pid) && !killed.has(pid))
        killed.set(pid, `pid ${pid} (${command ?? 'command unknown'}) had left its process group and was killed`);
    }
    await new Promise<void>((resolve) => clock.after(PAUSE_MS, resolve));
  }
  return [...killed.values()];
}

/** False: it ended by itself meanwhile. */
function isKilled(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}
