/**
 * Makes a folder and those above it, like `mkdir` with `recursive`, which in Node.js 20 never comes back where the system says
 * ENOENT for a folder whose parent is there (below /proc).
 *
 * Both fail as `mkdir` does: EACCES, ENOTDIR, EEXIST for what is no folder, ENOENT for such a place, ...
 */
import { mkdirSync, statSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

export async function makeDirectory(path: string): Promise<void> {
  const parent = dirname(path);
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return;
    if (code !== 'ENOENT' || parent === path || (await isDirectory(parent))) throw error;
    await makeDirectory(parent);
    await makeDirectory(path);
  }
}

/** At the end of a process, when nothing can be waited for. */
export function makeDirectorySync(path: string): void {
  const parent = dirname(path);
  try {
    mkdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(path).isDirectory()) return;
    if (code !== 'ENOENT' || parent === path || statSync(parent, { throwIfNoEntry: false })?.isDirectory()) throw error;
    makeDirectorySync(parent);
    makeDirectorySync(path);
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
