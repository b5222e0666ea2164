/** Reads a log that may still grow, in bounded pieces, line by line. */
import { type FileHandle, open } from 'node:fs/promises';
import type { Clock } from '../../core/clock.ts';
import { OutputLines } from '../launch/output-lines.ts';

const PIECE_BYTES = 64 * 1024;
const POLL_MS = 100;

export interface FollowOptions {
  readonly path: string;
  readonly clock: Clock;
  /** Last lines to begin with; null: all of it. */
  readonly lastLines: number | null;
  /** Whether more may come; asked when the end is reached, and once more after it says no. */
  readonly mayGrow: () => Promise<boolean>;
  readonly onLine: (line: string) => void;
}

/** Resolves at the end of the log. A log that does not exist yet is waited for as long as it may grow; false: it never existed. */
export async function followLog({ path, clock, lastLines, mayGrow, onLine }: FollowOptions): Promise<boolean> {
  const pause = (): Promise<void> => new Promise((resolve) => clock.after(POLL_MS, resolve));
  let file: FileHandle | null = await openOrNull(path);
  while (file === null) {
    if (!(await mayGrow())) return false;
    await pause();
    file = await openOrNull(path);
  }
  try {
    let position = lastLines === null ? 0 : await startOfLast(file, lastLines);
    const lines = new OutputLines(onLine);
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    for (let isLast = false; ; ) {
      const { bytesRead } = await file.read(piece, 0, PIECE_BYTES, position);
      position += bytesRead;
      lines.push(piece.subarray(0, bytesRead));
      if (bytesRead > 0) continue;
      if (isLast) break;
      isLast = !(await mayGrow());
      if (!isLast) await pause();
    }
    lines.end();
    return true;
  } finally {
    await file.close();
  }
}

/** Offset of the line that is `count` before the end, found from the end, piece by piece. */
async function startOfLast(file: FileHandle, count: number): Promise<number> {
  const { size } = await file.stat();
  if (count === 0) return size;
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  let missing = count + 1;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - PIECE_BYTES);
    const { bytesRead } = await file.read(piece, 0, end - start, start);
    for (let at = bytesRead - 1; at >= 0; at--) {
      // The line end at the very end of the file ends the last line; it does not begin another one.
      if (piece[at] === 10 && start + at !== size - 1 && --missing === 1) return start + at + 1;
    }
    end = start;
  }
  return 0;
}

async function openOrNull(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
