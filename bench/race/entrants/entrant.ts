/** A program that takes part in a race: whether it is installed, and how to start it. */
import type { Program, Programs } from '../processes.ts';

/** `plain`: any worker may answer. `pd`: prefill and decode workers, each request goes to one of each. */
export type Kind = 'plain' | 'pd';

/** The workers behind an entrant. */
export interface Field {
  readonly programs: Programs;
  readonly workerPorts: readonly number[];
  /** 0 when no workload of the race needs pairs. */
  readonly prefillPort: number;
  readonly decodePort: number;
}

/** Part of every prefill worker's registration; nothing listens there. */
export const BOOTSTRAP_PORT = 8998;

export const workerUrls = (field: Field): string[] => field.workerPorts.map((port) => `http://127.0.0.1:${port}`);

export interface Running {
  readonly port: number;
  /** Null for `direct`, which is no program. */
  readonly program: Program | null;
}

export interface Entrant {
  /** Entrants of one program share the part before the slash. */
  readonly name: string;
  readonly kind: Kind;
  /** Only checks the race itself. */
  readonly isCheck?: boolean;
  /** Measured in the first round only. */
  readonly isMeasuredOnce?: boolean;
  /** Null if the entrant can run here, else what is missing. */
  findProblem(): string | null;
  version?(): string;
  start(field: Field): Promise<Running>;
}
