/** Runs a plan in a job of SLURM: each process is a step on its node. */
import { join } from 'node:path';
import {
  LaunchError,
  type Launcher,
  type NodeBinding,
  type PortClash,
  type ProcessListener,
  type RunningProcess,
  type RunPlace,
  type Site,
  type SiteListener,
} from '../launch/launcher.ts';
import { type LaunchOptions, openProcessLog, symbolValues, writeProcessFiles } from '../launch/prepare-process.ts';
import { markOf, RUN_VARIABLE } from '../launch/proc.ts';
import { startArgv } from '../launch/start-script.ts';
import { bindSymbols, type SymbolValues } from '../launch/symbols.ts';
import type { Plan, PlannedProcess } from '../plan/plan.ts';
import { looksSecret } from '../recipe/secrets/secret-values.ts';
import { type BoundNodes, bindNodes, everyNode } from './bind-nodes.ts';
import { SlurmSteps } from './job-steps.ts';
import { type SlurmCommands, slurmCommands, withoutOptionVariables } from './slurm-commands.ts';
import { stepArgv } from './step-options.ts';
import { SlurmProcess } from './step-process.ts';
import { readSwept, sweepArgv } from './sweep-script.ts';

export interface SlurmOptions extends LaunchOptions {
  /** Number of the job, which must be running. */
  readonly job: string;
  readonly networkInterface: string | null;
  /** More options of every step; null: without a value. */
  readonly stepOptions: Readonly<Record<string, string | null>>;
  /** Nodes of the job that are not used, as SLURM writes lists of them; null: all are. */
  readonly excluded: string | null;
}

/** SLURM has the allocation already: a step that does not run within this time waits for something that will not come. */
const START_MS = 60_000;
/** After everything was killed; a step of a node that does not answer stays listed. */
const CLEAR_MS = 10_000;
const SWEEP_MS = 20_000;

export function slurmLauncher(options: SlurmOptions): Launcher {
  return {
    kind: 'slurm',
    async open(plan, run, listener) {
      const commands = slurmCommands(options.environment);
      const program = [options.nodeBinary, join(options.packageDirectory, 'dist/bin/srtctl.js'), 'node-facts'];
      const { job, networkInterface, excluded } = options;
      const bound = await bindNodes(plan, { job, program, networkInterface, excluded }, commands);
      return new SlurmSite(plan, run, listener, bound, commands, options);
    },
  };
}

class SlurmSite implements Site {
  readonly nodes: readonly NodeBinding[];
  readonly #plan: Plan;
  readonly #run: RunPlace;
  readonly #listener: SiteListener;
  readonly #clashes: readonly PortClash[];
  readonly #options: SlurmOptions;
  readonly #symbols: SymbolValues;
  /** Of every process of the run; job numbers alone are counted by each cluster for itself. */
  readonly #mark: string;
  readonly #steps: SlurmSteps;
  readonly #commands: SlurmCommands;
  readonly #started = new Set<SlurmProcess>();
  readonly #starting = new Set<Promise<unknown>>();
  readonly #lost = new Set<string>();
  #closing: Promise<readonly string[]> | null = null;

  constructor(plan: Plan, run: RunPlace, listener: SiteListener, bound: BoundNodes, commands: SlurmCommands, options: SlurmOptions) {
    this.#plan = plan;
    this.#run = run;
    this.#listener = listener;
    this.nodes = bound.nodes;
    this.#clashes = bound.clashes;
    this.#options = options;
    this.#commands = commands;
    this.#mark = markOf(run, 'slurm');
    this.#steps = new SlurmSteps(options.job, commands, options.clock);
    this.#symbols = symbolValues(bound.nodes, run, options);
  }

  bind(text: string): string {
    return bindSymbols(text, this.#symbols);
  }

  /** As the nodes said when the site was opened. */
  takenPorts(): Promise<readonly PortClash[]> {
    return Promise.resolve(this.#clashes);
  }

  start(process: PlannedProcess, listener: ProcessListener): Promise<RunningProcess> {
    const started = this.#start(process, listener);
    this.#starting.add(started);
    const over = (): void => void this.#starting.delete(started);
    started.then(over, over);
    return started;
  }

  close(): Promise<readonly string[]> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #start(process: PlannedProcess, listener: ProcessListener): Promise<SlurmProcess> {
    if (this.#closing !== null) throw new LaunchError(`${process.id}: the run is over`);
    const bind = (text: string): string => this.bind(text);
    await writeProcessFiles(process, this.#run, bind);
    const log = await openProcessLog(process, this.#run, this.#options.clock, (code) => listener.logFailed(code));
    const binding = this.nodes.find(({ node }) => node === process.node)!;
    const cwd = process.cwd === null ? this.#run.directory : bind(process.cwd);
    const variables = Object.entries(process.env).map(([name, value]): [string, string] => [name, bind(value)]);
    const { environment, clock, redact, job, stepOptions } = this.#options;
    // A command line can be seen by everybody on the node of srun, its environment cannot.
    const isSecret = ([name, value]: [string, string]): boolean => looksSecret(name) || redact(value) !== value;
    const inside = Object.fromEntries([[RUN_VARIABLE, this.#mark], ...variables.filter((one) => !isSecret(one))]);
    const argv = stepArgv(
      process,
      { job, node: binding.name, cwd, options: stepOptions },
      process.mounts.map((mount) => ({ ...mount, host: bind(mount.host), container: bind(mount.container) })),
      inside,
      startArgv(process, this.#plan.preamble, bind),
    );
    const started = SlurmProcess.start(
      process,
      {
        argv: ['srun', ...argv],
        cwd: this.#run.directory,
        env: { ...withoutOptionVariables(environment), ...Object.fromEntries(variables.filter(isSecret)) },
        log,
        redact,
        steps: this.#steps,
        clock,
        // An image may have to be fetched and unpacked first.
        startDeadlineMs: process.container === null ? START_MS : this.#plan.healthCheck.timeoutMs,
        onClient: (client) => this.#started.add(client),
        onNodeLost: (why) => this.#nodeLost(binding, why),
      },
      listener,
    );
    return await started;
  }

  /** What left its step, on the nodes that answer; each in words. Nothing to do where control groups end it all. */
  async #sweep(): Promise<readonly string[]> {
    const names = this.nodes.filter(({ node }) => !this.#lost.has(node)).map(({ name }) => name);
    if (names.length === 0 || this.#started.size === 0) return [];
    const tasks = [...this.#started].flatMap(({ pid, process }) => {
      const node = this.nodes.find((one) => one.node === process.node)?.name;
      return pid === null || node === undefined ? [] : [{ node, pid }];
    });
    const argv = [...everyNode(this.#options.job, names, 'srtctl-sweep'), ...sweepArgv(this.#mark, tasks)];
    return readSwept((await this.#commands.run(argv, SWEEP_MS)).stdout);
  }

  #nodeLost({ node, name }: NodeBinding, why: string): void {
    if (this.#lost.has(node)) return;
    this.#lost.add(node);
    this.#listener.nodeLost(node, `${name}: ${why}`);
  }

  async #close(): Promise<readonly string[]> {
    const { clock } = this.#options;
    for (const process of this.#started) process.signal('kill');
    const over = Promise.all([...[...this.#started].map(({ done }) => done), ...[...this.#starting].map((one) => one.catch(() => {}))]);
    await Promise.race([over, new Promise<void>((resolve) => clock.after(CLEAR_MS, resolve))]);
    for (const process of this.#started) process.killClient();
    const names = new Set(this.#plan.processes.map(({ id }) => id));
    const swept = await this.#sweep();
    const cleared = await this.#steps.clear(({ name }) => names.has(name), CLEAR_MS);
    const { job } = this.#options;
    if (cleared === null) return [...swept, `SLURM did not say whether steps are left; look with "squeue -s -j ${job}"`];
    const words = cleared.isClear
      ? 'was still there and was killed'
      : `was killed, and SLURM lists it all the same: look with "squeue -s -j ${job}"`;
    return [...swept, ...cleared.found.map(({ id, name }) => `step ${id} (${name}) ${words}`)];
  }
}
