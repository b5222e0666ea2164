/**
 * `npm run dynamo-env [-- FOLDER]`: a virtual environment with Dynamo's frontends and its simulated engine, about 320 MB. Does nothing where
 * it is up to date.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { defaultHome, LISTS, stampOf, wantedPackages } from './environment.ts';

function run(program: string, ...args: readonly string[]): void {
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status === 0) return;
  process.stderr.write(`${program} ${args.join(' ')}: ${error?.message ?? `exit status ${status}`}\n`);
  process.exit(1);
}

/** `home` is replaced as a whole; the stamp comes last, so what was interrupted is made again. */
function make(home: string): void {
  if (existsSync(home) && !existsSync(path.join(home, 'pyvenv.cfg'))) {
    process.stderr.write(`${home} is there and is no virtual environment: it is left alone; name another folder\n`);
    process.exit(1);
  }
  rmSync(home, { recursive: true, force: true });
  run('python3', '-m', 'venv', home);
  const python = path.join(home, 'bin', 'python3');
  for (const list of LISTS)
    run(
      ...([python, '-m', 'pip', '--disable-pip-version-check', 'install', '--quiet'] as const),
      ...(list.endsWith('no-deps.txt') ? ['--no-deps'] : []),
      ...['--requirement', list],
    );
  run(python, '-c', 'import dynamo.frontend, dynamo.mocker');
  writeFileSync(stampOf(home), wantedPackages());
}

const home = path.resolve(process.argv[2] ?? defaultHome());
const isFresh = existsSync(stampOf(home)) && readFileSync(stampOf(home), 'utf8') === wantedPackages();
if (!isFresh) make(home);
process.stdout.write(`export PATH=${path.join(home, 'bin')}:$PATH\n`);
process.stderr.write(`${isFresh ? 'up to date' : 'made'}: ${home}\n`);
