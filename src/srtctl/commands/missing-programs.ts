/** What a plan needs on this machine and does not find: programs, and modules of Python. */
import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import { moduleOf, needsOf } from '../plan/needs.ts';
import type { Plan, PlannedProcess } from '../plan/plan.ts';

/** How a program that is missing is installed. */
const INSTALL: Readonly<Record<string, string>> = {
  nginx: 'install it (apt-get install nginx-light), or do without: --set frontend.enable_multiple_frontends=false',
  etcd: 'install it (apt-get install etcd-server; it need not run as a service), or take router mode: --set backend.use_sglang_router=true',
  'nats-server':
    'install it (apt-get install nats-server; it need not run as a service), or take router mode: --set backend.use_sglang_router=true',
  python3: 'bring it into reach by default_bash_preamble of srtslurm.yaml, or take simulated engines: --set backend.type=sim',
};

/** How a Python gets what is missing, by the first part of the module's name. */
const MODULES: Readonly<Record<string, string>> = {
  dynamo:
    'make a Python that has it (python3 -m venv DIR; DIR/bin/pip install --no-deps ai-dynamo ai-dynamo-runtime; DIR/bin/pip install msgspec packaging pydantic pyyaml uvloop) and put DIR/bin first on PATH',
  sglang: 'install SGLang, or take simulated engines: --set backend.type=sim',
};

/** To import nothing but to look; a Python on a cold network disk takes its time. */
const LOOK_MS = 60_000;
const LOOK = `import importlib.util, sys
for name in sys.argv[1:]:
    try:
        found = importlib.util.find_spec(name)
    except ImportError:
        found = None
    if found is None:
        print(name)
`;

/**
 * One sentence for each program or module that no process would find: what, who needs it, what to do. Empty where a preamble may bring
 * them into reach: nobody knows before it has run. `given`: PATH as of `searchPath`.
 */
export async function findMissingPrograms(plan: Plan, given: string): Promise<readonly string[]> {
  if (plan.preamble !== null) return [];
  const missing: string[] = [];
  for (const { program, modules, processes } of needsOf(plan)) {
    const first = processes[0]!;
    const folders = (first.env['PATH'] ?? given).split(path.delimiter);
    const file = await findProgram(program, folders);
    if (file === null)
      missing.push(`${program} was not found, and ${first.id} needs it: ${INSTALL[program] ?? `PATH is ${folders.join(path.delimiter)}`}`);
    else if (modules.length > 0) missing.push(...(await findMissingModules(file, modules, processes)));
  }
  return missing;
}

async function findMissingModules(
  file: string,
  modules: readonly string[],
  processes: readonly PlannedProcess[],
): Promise<readonly string[]> {
  // A module of a package that is not there cannot be looked for, and Dynamo's SGLang worker imports another package.
  const asked = modules.map((name) => (name.startsWith('dynamo.') ? name : name.replace(/\..*/, '')));
  const missing = await askPython(file, [...asked, ...(modules.includes('dynamo.sglang') ? ['sglang'] : [])]);
  if (typeof missing === 'string') return [`${file} does not run, and ${processes[0]!.id} needs it: ${missing}`];
  return [...new Set(missing)].map((name) => {
    const user = processes.find((process) => moduleOf(process)?.split('.')[0] === name.split('.')[0] && startsWith(process, name));
    const whose = (user ?? processes.find((process) => moduleOf(process) === 'dynamo.sglang') ?? processes[0]!).id;
    return `${file} has no module ${name}, and ${whose} needs it: ${MODULES[name.split('.')[0]!] ?? 'install it'}`;
  });
}

function startsWith(process: PlannedProcess, name: string): boolean {
  const module = moduleOf(process) ?? '';
  return module === name || module.startsWith(`${name}.`);
}

/** Modules that it does not find, or why it could not be asked. */
function askPython(file: string, names: readonly string[]): Promise<readonly string[] | string> {
  return new Promise((resolve) => {
    execFile(file, ['-c', LOOK, ...names], { timeout: LOOK_MS, cwd: '/' }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout.split('\n').filter((line) => line !== ''));
      else resolve(stderr.trim().split('\n').at(-1) || error.message);
    });
  });
}

/** Null: it is in none of the folders, or may not be run. */
async function findProgram(program: string, folders: readonly string[]): Promise<string | null> {
  for (const folder of folders) {
    const file = path.join(folder, program);
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return file;
  }
  return null;
}
