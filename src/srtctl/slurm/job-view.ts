/** One job as SLURM knows it. A job that SLURM does not know any more ended some time ago: it forgets jobs minutes after their end. */
import { timeLimitSeconds } from '../recipe/resolve/time-limit.ts';
import type { SlurmCommands } from './slurm-commands.ts';

export interface JobView {
  /** over: it runs no more, `state` says how it ended; gone: it ended and is forgotten; unknown: SLURM does not answer. */
  readonly phase: 'pending' | 'running' | 'over' | 'gone' | 'unknown';
  /** SLURM's word, such as `COMPLETING`, `NODE_FAIL`; empty for gone and unknown. */
  readonly state: string;
  /** SLURM's reason of a pending job; what SLURM said instead of an answer. */
  readonly reason: string;
  /** Until its time limit; null: no limit, or not running. */
  readonly secondsLeft: number | null;
}

const PENDING = new Set(['PENDING', 'CONFIGURING', 'REQUEUED', 'REQUEUE_HOLD', 'SPECIAL_EXIT', 'RESV_DEL_HOLD']);
/** COMPLETING is no end: its processes are being ended. */
const RUNNING = new Set(['RUNNING', 'COMPLETING', 'SUSPENDED', 'STOPPED', 'SIGNALING', 'STAGE_OUT', 'RESIZING']);

export async function viewJob(job: string, commands: SlurmCommands): Promise<JobView> {
  const { code, stdout, stderr } = await commands.run(['squeue', '-h', '-a', '-t', 'all', '-j', job, '-o', '%T|%L|%r']);
  if (code !== 0) {
    const isGone = code !== null && /Invalid job id/.test(stderr);
    return { phase: isGone ? 'gone' : 'unknown', state: '', reason: isGone ? '' : stderr, secondsLeft: null };
  }
  const [state = '', left = '', reason = ''] = (stdout.split('\n')[0] ?? '').trim().split('|');
  if (state === '') return { phase: 'gone', state: '', reason: '', secondsLeft: null };
  const phase = PENDING.has(state) ? 'pending' : RUNNING.has(state) ? 'running' : 'over';
  const seconds = phase === 'running' ? timeLimitSeconds(left) : null;
  return { phase, state, reason, secondsLeft: seconds === null || !Number.isFinite(seconds) ? null : seconds };
}

/** Seconds between the signal that asks the processes of a job to end and the one that ends them. */
export async function killWaitSeconds(commands: SlurmCommands): Promise<number> {
  const { stdout } = await commands.run(['scontrol', 'show', 'config']);
  return Number(/^KillWait\s*=\s*(\d+)/m.exec(stdout)?.[1] ?? 30);
}
