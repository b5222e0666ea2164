/**
 * Creates a folder and its missing parents, like `mkdir` with `recursive`. That option never returns in Node.js 20 where the system
 * reports ENOENT for a folder whose parent exists (below /proc).
 *
 * Both functions fail as `mkdir` does: EACCES, ENOTDIR, EEXIST if the path is no folder, ENOENT below /proc, ...
 */
import { mkdirSync, statSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

export async function makeDirectory(path: string): Promise<void> {
  if (await made(path)) return;
  const parent = dirname(path);
  if (parent !== path) await makeDirectory(parent);
  // The parent exists now; another process may have created it.
  if (!(await made(path))) await mkdir(path);
}

/** False: the parent is missing. */
async function made(path: string): Promise<boolean> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return false;
    if (code !== 'EEXIST' || !(await stat(path)).isDirectory()) throw error;
  }
  return true;
}

/** For the end of a process, when promises no longer settle. */
export function makeDirectorySync(path: string): void {
  if (madeSync(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectorySync(parent);
  if (!madeSync(path)) mkdirSync(path);
}

function madeSync(path: string): boolean {
  try {
    mkdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return false;
    if (code !== 'EEXIST' || !statSync(path).isDirectory()) throw error;
  }
  return true;
}
