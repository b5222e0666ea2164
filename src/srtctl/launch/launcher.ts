/**
 * What supervision asks of a place where processes can run. `local` runs them as child processes of this machine; SLURM will run each as
 * a step of an allocation. Nothing above this interface knows which.
 *
 *   Launcher.open(plan, run) ──► Site ──start(process)──► RunningProcess ──ended──► ProcessEnd
 *                                 └─ close(): everything that it still holds is gone
 */
import type { Plan, PlannedProcess } from '../plan/plan.ts';

/** How a process ended. Both null: it ended, and nobody knows how (a lost node). */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

/** One node of the plan and what stands for it. */
export interface NodeBinding {
  /** `n0`, `n1`... */
  readonly node: string;
  /** As its users know it: host name, or the loopback address of a virtual node. */
  readonly name: string;
  /** IPv4 or IPv6 address without brackets. */
  readonly address: string;
}

/** A port of the plan that somebody else listens on. */
export interface PortClash {
  readonly process: PlannedProcess;
  /** Key of `ports`. */
  readonly purpose: string;
  readonly address: string;
  readonly port: number;
  /** Who has it, for people: `pid 4711 (nginx: master process)`; null: unknown. */
  readonly owner: string | null;
}

/** What a site tells about a process. Calls come in order and never after `ended`. */
export interface ProcessListener {
  /** One line of its output, secrets taken out, without line end, at most MAX_LINE_CHARS long. */
  line(text: string): void;
  /** All output has been told; nothing of its process group runs any more. Exactly once. */
  ended(end: ProcessEnd): void;
  /** Its log cannot be written any more (`ENOSPC`...). Lines go on being told. At most once. */
  logFailed(code: string): void;
}

export const MAX_LINE_CHARS = 16_384;

export interface RunningProcess {
  readonly process: PlannedProcess;
  /** Process number on its node; null where it is not known. */
  readonly pid: number | null;
  /** To the process and all its descendants. Nothing happens once it has ended. `drain`: finish what is under way, then end. */
  signal(how: 'drain' | 'terminate' | 'kill'): void;
}

export interface SiteListener {
  /** The node is gone with all its processes; their `ended` follow. */
  nodeLost(node: string, why: string): void;
}

/** The nodes of one run while it lasts. */
export interface Site {
  readonly nodes: readonly NodeBinding[];
  /** `text` with the symbols of the plan replaced (see PlannedProcess). */
  bind(text: string): string;
  /** Ports of the plan that are taken. Empty: none. */
  takenPorts(): Promise<readonly PortClash[]>;
  /** Writes its files and starts it. Rejects with a LaunchError when that is impossible. */
  start(process: PlannedProcess, listener: ProcessListener): Promise<RunningProcess>;
  /** Kills what still runs, frees what it holds. Idempotent. Resolves to what had to be killed, for people; empty: nothing was left. */
  close(): Promise<readonly string[]>;
}

export interface RunPlace {
  /** Absolute run directory; exists. */
  readonly directory: string;
  /** Identifier of the run, unique on this machine. */
  readonly id: string;
}

export interface Launcher {
  readonly kind: 'local' | 'slurm';
  /** Rejects with a LaunchError when there is no place for this plan. */
  open(plan: Plan, run: RunPlace, listener: SiteListener): Promise<Site>;
}

/** Something could not be started. The message says what, with which value, and what to do. */
export class LaunchError extends Error {
  override readonly name = 'LaunchError';
}
