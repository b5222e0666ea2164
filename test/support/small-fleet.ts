/** A fleet of scripted parts as a plan, and its run in a directory that goes with the test. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { realClock } from '../../src/base/runtime/clock.ts';
import type { Launcher } from '../../src/srtctl/launch/launcher.ts';
import type { LaunchOptions } from '../../src/srtctl/launch/prepare-process.ts';
import { localLauncher } from '../../src/srtctl/local/local-launcher.ts';
import type { Plan, PlannedProcess } from '../../src/srtctl/plan/plan.ts';
import { createRedactor } from '../../src/srtctl/recipe/secrets/redactor.ts';
import type { StatusFile } from '../../src/srtctl/supervise/run-directory.ts';
import type { Notice } from '../../src/srtctl/supervise/run-events.ts';
import { type RunResult, runPlan } from '../../src/srtctl/supervise/run-plan.ts';
import { ROOT } from './program.ts';
import type { Part } from './scripted-part.main.ts';
import { planned, planOf } from './small-plan.ts';
import { until } from './until.ts';

const WORKER = 'http://<node0>:30000';
const ROUTER = 'http://<node0>:30080';

export type Script = Partial<Part>;

function partArgv(port: number, script: Script, host = '<node0>'): string[] {
  return [process.execPath, `${ROOT}.build/test/support/scripted-part.main.js`, JSON.stringify({ host, port, ...script })];
}

/** A worker, a router, an entrance on port 8000, and a benchmark that says hello; each may be scripted, or replaced by `more`. */
export function smallFleet(
  scripts: { readonly worker?: Script; readonly router?: Script; readonly entrance?: Script } = {},
  benchmark: readonly string[] | null = ['echo', 'hello'],
  more: Partial<Plan> = {},
): Plan {
  const processes: PlannedProcess[] = [
    planned('aggregated-0', {
      ports: { http: 30_000 },
      argv: partArgv(30_000, scripts.worker ?? {}),
      ready: { kind: 'worker', url: WORKER, model: 'm' },
    }),
    planned('router-0', {
      ports: { http: 30_080 },
      argv: partArgv(30_080, { lists: [WORKER], ...scripts.router }),
      ready: { kind: 'router', url: ROUTER, workers: [WORKER] },
    }),
    planned('nginx', {
      ports: { http: 8000 },
      argv: partArgv(8000, scripts.entrance ?? {}),
      ready: { kind: 'http', url: 'http://<node0>:8000/health', run: null },
    }),
    ...(benchmark === null ? [] : [planned('benchmark', { argv: benchmark })]),
  ];
  return planOf(processes, { nodes: ['n0'], healthCheck: { intervalMs: 100, timeoutMs: 20_000, silenceMs: 300_000 }, ...more });
}

/** A run of a test; `result` never rejects. */
export interface SmallRun {
  readonly directory: string;
  readonly notices: Notice[];
  readonly result: Promise<RunResult>;
  cancel(by: string): void;
  /** Resolves when such a notice has come. */
  noticed(is: (notice: Notice) => boolean, what: string): Promise<void>;
  log(id: string): Promise<string>;
  status(): Promise<StatusFile>;
}

interface SmallRunOptions {
  readonly secrets?: readonly string[];
  readonly directory?: string;
  /** Other than on this machine. */
  readonly launch?: (options: LaunchOptions) => Launcher;
  readonly id?: string;
}

let runs = 0;

/** A new directory that is removed with the test. */
export async function newDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'srtctl-test-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export async function startRun(
  t: TestContext,
  plan: Plan,
  { secrets = [], directory, launch, id = `test-${process.pid}-${++runs}` }: SmallRunOptions = {},
): Promise<SmallRun> {
  const at = directory ?? (await newDirectory(t));
  const redactor = createRedactor(secrets);
  const notices: Notice[] = [];
  let cancel: (by: string) => void = () => {};
  const options = {
    clock: realClock,
    environment: process.env,
    nodeBinary: process.execPath,
    packageDirectory: ROOT.replace(/\/$/, ''),
    redact: redactor.text,
  };
  const launcher = launch?.(options) ?? localLauncher(options);
  const result = runPlan(plan, launcher, at, {
    clock: realClock,
    redactor,
    id,
    host: 'here',
    onNotice: (notice) => notices.push(notice),
    watchCancel: (given) => {
      cancel = given;
      return () => {};
    },
  });
  // A test that fails before its run ends must not leave it behind.
  let isOver = false;
  void result.then(() => {
    isOver = true;
  });
  t.after(async () => {
    for (let wish = 0; wish < 3 && !isOver; wish++) cancel('the end of the test');
    await result;
  });
  return {
    directory: at,
    notices,
    result,
    cancel: (by) => cancel(by),
    noticed: (is, what) =>
      until(
        () => notices.some(is),
        () => `${what}; so far: ${JSON.stringify(notices.slice(-8))}`,
        20_000,
      ),
    log: (id) => readFile(join(at, plan.processes.find((process) => process.id === id)!.log), 'utf8'),
    status: async () => JSON.parse(await readFile(join(at, 'status.json'), 'utf8')) as StatusFile,
  };
}

/** Whether a process exists and is not just a name that nobody has asked about. */
export async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  return stat !== null && !/\) [ZX] /.test(stat);
}

/** Pids of the processes that carry the mark of a run, as anybody can find them. */
export async function pidsOfRun(id: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const marked = await Promise.all(
    pids.map(async (pid) => {
      const variables = (await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')).split('\0');
      return variables.some((variable) => variable.startsWith(`SRTCTL_RUN_ID=${id}@`));
    }),
  );
  const found = pids.filter((_, index) => marked[index]);
  const alive = await Promise.all(found.map(isAlive));
  return found.filter((_, index) => alive[index]);
}
