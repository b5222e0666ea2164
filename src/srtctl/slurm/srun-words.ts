/** What srun says about its task, on its stderr and with its status. Pure. Observed with SLURM 22.05. */
import { constants } from 'node:os';
import type { ProcessEnd } from '../launch/launcher.ts';

/** Says nothing that a person could use. */
const NOISE = /cluster configuration lacks support for cpu binding/;
/** Repeats what the end of the process tells. */
const FAREWELL =
  /^srun: (?:error: \S+: task 0: |Terminating |Force Terminated )|^slurmstepd(?:-\S+)?: error: \*\*\* STEP \S+ ON \S+ CANCELLED|^srun: launch\/slurm: _step_signal/;

/** noise: nobody needs it; farewell: for the log only; word: worth telling. */
export function kindOfWord(line: string): 'noise' | 'farewell' | 'word' {
  if (NOISE.test(line)) return 'noise';
  return FAREWELL.test(line) ? 'farewell' : 'word';
}

/** The node is gone, and srun's status is 0 all the same. Null: this line does not say so. */
export function lostNode(line: string): string | null {
  return /^srun: error: Node failure on (\S+)/.exec(line)?.[1] ?? null;
}

/** `said`: srun's stderr, line by line. A status above 128 is a signal unless srun says that the task exited with it. */
export function endOfTask(status: number | null, said: readonly string[]): ProcessEnd {
  if (status === null) return { code: null, signal: null };
  if (said.some((line) => lostNode(line) !== null)) return { code: null, signal: null };
  const exited = said.some((line) => line.includes(`task 0: Exited with exit code ${status}`));
  if (status <= 128 || exited) return { code: status, signal: null };
  const signal = Object.entries(constants.signals).find(([, number]) => number === status - 128)?.[0];
  return signal === undefined ? { code: status, signal: null } : { code: null, signal };
}
