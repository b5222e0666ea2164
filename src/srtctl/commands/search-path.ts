/** Where programs are looked for on this machine. */
import path from 'node:path';

/** nginx and its like are there, and on Debian these are on the PATH of root only. */
const SYSTEM_FOLDERS: readonly string[] = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** `given`: a PATH. What it holds comes first. */
export function searchPath(given: string | undefined): string {
  const folders = (given ?? '/usr/local/bin:/usr/bin:/bin').split(path.delimiter);
  return [...folders, ...SYSTEM_FOLDERS.filter((folder) => !folders.includes(folder))].join(path.delimiter);
}
