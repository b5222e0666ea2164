// The virtual environment with the tools of the Python package: python/.venv, made when it is missing or its list of tools has changed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const venv = `${root}python/.venv`;
const list = `${root}python/requirements-dev.txt`;
const stamp = `${venv}/requirements-dev.txt`;

/** The path of a python3 that can make virtual environments, or null. */
export function systemPython() {
  const found = spawnSync('python3', ['-c', 'import sys, venv, ensurepip; print(sys.executable)'], { encoding: 'utf8' });
  return found.status === 0 ? found.stdout.trim() : null;
}

/** The path of the environment's python. Throws where there is no python3, or where the tools cannot be installed. */
export function pythonTool() {
  const wanted = readFileSync(list, 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return `${venv}/bin/python`;
  const python = systemPython();
  if (python === null) throw new Error('python3 with venv is missing (Debian: apt-get install python3-venv)');
  rmSync(venv, { recursive: true, force: true });
  spawnTool(python, ['-m', 'venv', venv]);
  spawnTool(`${venv}/bin/python`, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', list]);
  writeFileSync(stamp, wanted);
  return `${venv}/bin/python`;
}

/** Runs a program to its end, its output where ours goes. Throws if it fails. */
export function spawnTool(program, args, options = {}) {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit', ...options });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? `exit status ${status}`}`);
}
