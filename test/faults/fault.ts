/** The rows of the fault matrix: what happens, to which kinds of request, what is right and why. */
import { CELLS, type Cell } from './cell.ts';
import type { Scene } from './scene.ts';

export interface Fault {
  readonly name: string;
  readonly cells: readonly Cell[];
  /** What the client must see (outcome.ts has the words): the same for all cells, or by cell with `else` for the others. */
  readonly right: string | ({ readonly else: string } & { readonly [cell in Cell]?: string });
  readonly why: string;
  /** Longest time of one client request, in ms. */
  readonly withinMs: number;
  /** Runs within `npm test`, unless it waits for a part. */
  readonly isFast: boolean;
  /** Workers of each type; 2 if absent. */
  readonly workers?: number;
  /** The router is a process of its own with these flags; without them all rows share one. `directory`: empty, for files. */
  readonly flags?: (directory: string) => readonly string[];
  /** A part that does not exist yet: these cells (all if absent) are expected to fail, and a cell that passes is an error. */
  readonly pending?: { readonly part: string; readonly cells?: readonly Cell[] };
  /** Plays the fault, and returns what the clients saw. */
  readonly play: (scene: Scene) => Promise<string>;
}

export function rightOf({ right }: Fault, cell: Cell): string {
  return typeof right === 'string' ? right : (right[cell] ?? right.else);
}

export function isPending({ pending }: Fault, cell: Cell): boolean {
  return pending !== undefined && (pending.cells ?? CELLS).includes(cell);
}
