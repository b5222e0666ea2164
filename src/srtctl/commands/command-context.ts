/** What a command may touch of the process that runs it. The program makes the real one; tests make others. */
import type { Clock } from '../../base/core/clock.ts';
import type { StopSignal } from '../../base/runtime/signals.ts';

export interface CommandContext {
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly workingDirectory: string;
  /** The absolute directory of this package, which holds `dist/`. */
  readonly packageDirectory: string;
  /** The Node that runs this. */
  readonly nodeBinary: string;
  /** Writes to stdout as it is: results. */
  out(text: string): void;
  /** Writes to stderr as it is: what people read beside results. */
  err(text: string): void;
  /** stdout, if it is a terminal that takes colours and cursor movements; otherwise null. */
  readonly screen: NodeJS.WriteStream | null;
  /** All of stdin. */
  readInput(): Promise<string>;
  /** Calls back for every SIGINT and SIGTERM, and the first SIGHUP, with their number so far; the function returned gives them back. */
  onSignal(listener: (signal: StopSignal, count: number) => void): () => void;
  /** Calls back for every SIGUSR1: a job manager's warning. The function returned gives it back. */
  onUserSignal(listener: () => void): () => void;
  /** A line that a person at the terminal types; null: there is no person, or they are gone. */
  ask(question: string): Promise<string | null>;
}
