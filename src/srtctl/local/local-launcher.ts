/** Runs a plan as child processes of this machine; each node of the plan is a loopback address of its own. */
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
} from '../launch/launcher.ts';
import { type LaunchOptions, openProcessLog, symbolValues, writeProcessFiles } from '../launch/prepare-process.ts';
import { markOf, RUN_VARIABLE, runOf } from '../launch/proc.ts';
import { startArgv } from '../launch/start-script.ts';
import { bindSymbols, type SymbolValues } from '../launch/symbols.ts';
import { findTakenPorts } from '../launch/taken-ports.ts';
import { type Plan, type PlannedProcess, SCRATCH_FOLDER } from '../plan/plan.ts';
import { AddressBlock } from './address-block.ts';
import { Guard } from './guard.ts';
import { killStrays } from './kill-strays.ts';
import { LocalProcess } from './local-process.ts';
import { OutputPipes } from './output-pipe.ts';

export function localLauncher(options: LaunchOptions): Launcher {
  return {
    kind: 'local',
    async open(plan, run) {
      const block = await takeBlock(plan);
      let pipes: OutputPipes;
      try {
        pipes = await OutputPipes.create(plan.processes.length);
      } catch (error) {
        await block.release();
        throw error;
      }
      return new LocalSite(plan, run, block, pipes, options);
    },
  };
}

/**
 * Skips blocks on which processes of another run still listen (its supervisor was killed, and its guard is at work). Everybody else who
 * has a port is left for `takenPorts` to name.
 */
async function takeBlock(plan: Plan): Promise<AddressBlock> {
  for (let first = 0; ; first++) {
    const taken = await AddressBlock.take(plan.nodes.length, first);
    if (taken === null) {
      throw new LaunchError(`no ${plan.nodes.length} loopback addresses are free: too many local runs, or something listens on port 29999`);
    }
    const { block, number } = taken;
    const clashes = await findTakenPorts(plan.processes, addressIn(plan, block.addresses)).catch(async (error: unknown) => {
      await block.release();
      throw error;
    });
    const runs = await Promise.all(clashes.map(({ pid }) => (pid === null ? null : runOf(pid))));
    if (runs.every((run) => run === null)) return block;
    await block.release();
    first = number;
  }
}

function addressIn(plan: Plan, addresses: readonly string[]): (node: string) => string {
  const byNode = new Map(plan.nodes.map((node, index) => [node, addresses[index]!]));
  return (node) => {
    const address = byNode.get(node);
    if (address === undefined) throw new LaunchError(`the plan has no node ${node}: its nodes are ${plan.nodes.join(', ')}`);
    return address;
  };
}

class LocalSite implements Site {
  readonly nodes: readonly NodeBinding[];
  readonly #plan: Plan;
  readonly #run: RunPlace;
  readonly #block: AddressBlock;
  readonly #pipes: OutputPipes;
  readonly #guard: Guard;
  readonly #options: LaunchOptions;
  readonly #symbols: SymbolValues;
  readonly #started: LocalProcess[] = [];
  #closing: Promise<readonly string[]> | null = null;

  constructor(plan: Plan, run: RunPlace, block: AddressBlock, pipes: OutputPipes, options: LaunchOptions) {
    this.#plan = plan;
    this.#run = run;
    this.#block = block;
    this.#pipes = pipes;
    this.#options = options;
    this.nodes = plan.nodes.map((node, index) => ({ node, name: block.addresses[index]!, address: block.addresses[index]! }));
    this.#symbols = symbolValues(this.nodes, run, options);
    this.#guard = new Guard({
      mark: markOf(run, 'local'),
      temporary: [pipes.directory, join(run.directory, SCRATCH_FOLDER)],
      log: join(run.directory, 'logs', 'guard.log'),
    });
  }

  bind(text: string): string {
    return bindSymbols(text, this.#symbols);
  }

  takenPorts(): Promise<readonly PortClash[]> {
    return findTakenPorts(this.#plan.processes, addressIn(this.#plan, this.#block.addresses));
  }

  async start(process: PlannedProcess, listener: ProcessListener): Promise<RunningProcess> {
    if (this.#closing !== null) throw new LaunchError(`${process.id}: the run is over`);
    const bind = (text: string): string => this.bind(text);
    await writeProcessFiles(process, this.#run, bind);
    const log = await openProcessLog(process, this.#run, this.#options.clock, (code) => listener.logFailed(code));
    const pipe = await this.#pipes.open(this.#plan.processes.indexOf(process));
    const { environment, redact, clock } = this.#options;
    const variables = Object.entries(process.env).map(([name, value]) => [name, bind(value)]);
    const started = await LocalProcess.start(
      process,
      {
        argv: startArgv(process, this.#plan.preamble, bind),
        cwd: process.cwd === null ? this.#run.directory : bind(process.cwd),
        env: { ...environment, ...Object.fromEntries(variables), [RUN_VARIABLE]: markOf(this.#run, 'local') },
        pipe,
        log,
        redact,
        guard: this.#guard,
        clock,
      },
      listener,
    );
    this.#started.push(started);
    return started;
  }

  close(): Promise<readonly string[]> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<readonly string[]> {
    for (const process of this.#started) process.signal('kill');
    await Promise.all(this.#started.map(({ done }) => done));
    const killed = await killStrays(markOf(this.#run, 'local'), this.#options.clock);
    await this.#guard.leave();
    await this.#pipes.remove();
    await this.#block.release();
    return killed;
  }
}
