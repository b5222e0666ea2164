/** The wish to stop a run, as a file in its directory: what reaches a supervisor on another machine, where a signal does not. */
import { appendFile, readFile } from 'node:fs/promises';
import type { Clock, TimerHandle } from '../../base/core/clock.ts';

const POLL_MS = 500;

/** One more line, one more wish: the first stops in order, the second hurries. */
export async function writeCancelFile(path: string, by: string): Promise<void> {
  await appendFile(path, `${by.replace(/\s+/g, ' ')}\n`);
}

/** Calls `cancel` for every line that comes. Returns how to end it. */
export function watchCancelFile(path: string, clock: Clock, cancel: (by: string) => void): () => void {
  let seen = 0;
  let isOver = false;
  let timer: TimerHandle | null = null;
  const look = async (): Promise<void> => {
    const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n').slice(0, -1);
    for (const line of lines.slice(seen)) if (!isOver) cancel(line);
    seen = Math.max(seen, lines.length);
    again();
  };
  const again = (): void => {
    if (!isOver) timer = clock.after(POLL_MS, () => void look());
  };
  again();
  return () => {
    isOver = true;
    timer?.cancel();
  };
}
