/** Where programs are looked for on this machine, and which of a plan are not there. */
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import type { Plan } from '../plan/plan.ts';

/** nginx and its like are there, and on Debian these are on the PATH of root only. */
const SYSTEM_FOLDERS: readonly string[] = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** How a program that is missing is installed. */
const INSTALL: Readonly<Record<string, string>> = {
  nginx: 'install it (apt-get install nginx-light), or do without: --set frontend.enable_multiple_frontends=false',
  python3: 'bring it into reach by default_bash_preamble of srtslurm.yaml, or take simulated engines: --set backend.type=sim',
};

/** `given`: a PATH. What it holds comes first. */
export function searchPath(given: string | undefined): string {
  const folders = (given ?? '/usr/local/bin:/usr/bin:/bin').split(path.delimiter);
  return [...folders, ...SYSTEM_FOLDERS.filter((folder) => !folders.includes(folder))].join(path.delimiter);
}

/**
 * One sentence for each program that no process would find: what, who needs it, what to do. Empty where a preamble may bring them into
 * reach: nobody knows before it has run. `given`: PATH as of `searchPath`.
 */
export async function findMissingPrograms(plan: Plan, given: string): Promise<readonly string[]> {
  if (plan.preamble !== null) return [];
  const users = new Map<string, string>();
  const missing: string[] = [];
  for (const { id, argv, env } of plan.processes) {
    const program = argv[0] ?? '';
    if (users.has(program) || program.includes('/') || program.startsWith('<')) continue;
    users.set(program, id);
    const folders = (env['PATH'] ?? given).split(path.delimiter);
    const isThere = await Promise.all(folders.map((folder) => isProgram(path.join(folder, program))));
    if (isThere.includes(true)) continue;
    missing.push(`${program} was not found, and ${id} needs it: ${INSTALL[program] ?? `PATH is ${folders.join(path.delimiter)}`}`);
  }
  return missing;
}

async function isProgram(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    // Not there, or not for us: either way it cannot be run.
    () => false,
  );
}
