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
  if (await made(path)) return;
  const parent = dirname(path);
  if (parent !== path) await makeDirectory(parent);
  // Its parent is there now, whoever made it.
  if (!(await made(path))) await mkdir(path);
}

/** False: a folder above it is missing. */
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

/** At the end of a process, when nothing can be waited for. */
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
