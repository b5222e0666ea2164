/**
 * Where Dynamo is on this machine: etcd and nats-server on the PATH, and a Python with the package, which `npm run dynamo-env` makes.
 * $DYNAMO_PYTHON names another Python.
 */
import { spawnSync } from 'node:child_process';
import { constants, existsSync, readFileSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { ROOT } from '../../test/support/program.ts';

/** In the order of installation; pip would complain of what is not there yet. */
export const LISTS: readonly string[] = ['requirements.txt', 'requirements-no-deps.txt'].map((file) => `${ROOT}tools/dynamo/${file}`);

/** What is installed, as text; kept beside what was installed to see whether it is still the same. */
export function wantedPackages(): string {
  return LISTS.map((file) => readFileSync(file, 'utf8')).join('');
}

/** Where `npm run dynamo-env` makes it: shared by all clones of this user, since it is large. */
export function defaultHome(): string {
  return path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'sglang-router', 'dynamo');
}

/** In the folder `home`. */
export function stampOf(home: string): string {
  return path.join(home, 'requirements.txt');
}

/** Environment for what uses Dynamo: plans say `python3`, and their processes are to find this one. */
export interface Dynamo {
  readonly python: string;
  readonly env: { readonly PATH: string };
}

/** Or why there is none, with what to do. */
export async function findDynamo(): Promise<Dynamo | string> {
  const system = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;
  const missing: string[] = [];
  for (const program of ['etcd', 'nats-server'])
    if (!(await isOn(system, program))) missing.push(`${program} (apt-get install ${program === 'etcd' ? 'etcd-server' : program})`);
  if (missing.length > 0) return `missing: ${missing.join(', ')}`;
  const python = findPython();
  if (!python.startsWith('/')) return python;
  return { python, env: { PATH: `${path.dirname(python)}:${system}` } };
}

/** An absolute path, or why there is none. */
function findPython(): string {
  const named = process.env['DYNAMO_PYTHON'];
  if (named === undefined || named === '') {
    const home = defaultHome();
    const isMade = existsSync(stampOf(home)) && readFileSync(stampOf(home), 'utf8') === wantedPackages();
    return isMade ? path.join(home, 'bin', 'python3') : `no Python with Dynamo: npm run dynamo-env, or name one with DYNAMO_PYTHON`;
  }
  const absolute = path.resolve(named);
  if (path.basename(absolute) !== 'python3') return `DYNAMO_PYTHON=${named}: must end with /python3, the name by which plans start it`;
  const question = 'import importlib.util as u; assert u.find_spec("dynamo.frontend") and u.find_spec("dynamo.mocker")';
  const { status, error, stderr } = spawnSync(absolute, ['-c', question], { encoding: 'utf8' });
  return status === 0 ? absolute : `DYNAMO_PYTHON=${named} has no Dynamo: ${error?.message ?? stderr.trim().split('\n').at(-1)}`;
}

async function isOn(folders: string, program: string): Promise<boolean> {
  const looks = folders.split(':').map((folder) =>
    access(path.join(folder, program), constants.X_OK).then(
      () => true,
      // Not there, or not for us: either way it cannot be run.
      () => false,
    ),
  );
  return (await Promise.all(looks)).includes(true);
}
