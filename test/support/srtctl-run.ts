/** `srtctl apply --local` as a program, with all that it starts, watched through its run directory. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { processesOfRun } from '../../src/srtctl/launch/proc.ts';
import type { Plan } from '../../src/srtctl/plan/plan.ts';
import type { RunState, StatusFile } from '../../src/srtctl/supervise/run-directory.ts';
import { NGINX_MISSING } from './nginx-process.ts';
import { type Exit, Program } from './program.ts';
import { until } from './until.ts';

/** For tests that bring up a fleet. */
export const NEEDS_NGINX = { skip: NGINX_MISSING } as const;

/** On a busy machine a fleet of ten programs takes its time. */
const LIMIT_MS = 60_000;

/** A benchmark of a second. */
const SMALL_BENCHMARK = [
  'benchmark.isl=64',
  'benchmark.osl=8',
  'benchmark.concurrencies=2x3',
  'benchmark.num_prompts_mult=2',
  'benchmark.num_warmup_mult=1',
];

export interface ApplyOptions {
  /** On top of a small benchmark and simulated engines. */
  readonly set?: readonly string[];
  readonly unset?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export class SrtctlRun {
  readonly program: Program;
  /** Where its run directory is. */
  readonly outputs: string;

  static async apply(t: TestContext, recipe: string, { set = [], unset = [], args = [], env = {} }: ApplyOptions = {}): Promise<SrtctlRun> {
    const outputs = await mkdtemp(path.join(tmpdir(), 'srtctl-'));
    const isMeasured = !unset.includes('benchmark');
    const sets = ['backend.type=sim', ...(isMeasured ? SMALL_BENCHMARK : []), ...set].flatMap((text) => ['--set', text]);
    const unsets = unset.flatMap((text) => ['--unset', text]);
    const all = ['apply', '-f', `recipes/${recipe}.yaml`, '--local', '-o', outputs, ...sets, ...unsets, ...args];
    const program = Program.start(t, 'srtctl', all, env);
    // After the program has been ended, which happens last: its own cleaning up is not a matter of the test then.
    t.after(() => rm(outputs, { recursive: true, force: true, maxRetries: 5 }));
    return new SrtctlRun(program, outputs);
  }

  private constructor(program: Program, outputs: string) {
    this.program = program;
    this.outputs = outputs;
  }

  async directory(): Promise<string> {
    const [name] = await readdir(this.outputs);
    assert.ok(name !== undefined, `no run directory: ${this.program.stderr}`);
    return path.join(this.outputs, name);
  }

  async status(): Promise<StatusFile> {
    return JSON.parse(readFileSync(path.join(await this.directory(), 'status.json'), 'utf8')) as StatusFile;
  }

  /** Resolves with the first status that `is` so. */
  async reaches(is: (status: StatusFile) => boolean, what: string): Promise<StatusFile> {
    let last: StatusFile | null = null;
    let isThere = false;
    const look = async (): Promise<void> => {
      last = await this.status().catch(() => last);
      isThere = last !== null && is(last);
    };
    const startMs = performance.now();
    for (await look(); !isThere; await look()) {
      const text = `${what}: ${this.program.stdout}${this.program.stderr}`;
      if (this.program.exited !== null && !isThere) throw new Error(`srtctl ended before ${text}`);
      if (performance.now() - startMs > LIMIT_MS) throw new Error(`waited ${LIMIT_MS} ms in vain for ${text}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return last!;
  }

  inState(state: RunState): Promise<StatusFile> {
    return this.reaches((status) => status.state === state, state);
  }

  /** The exit of srtctl; nothing of the run is left by then, no process and no listener. */
  async end(): Promise<Exit> {
    await until(
      () => this.program.exited !== null,
      () => `srtctl to end: ${this.program.stdout}${this.program.stderr}`,
      LIMIT_MS,
    );
    await this.assertNothingLeft();
    return this.program.exited!;
  }

  async assertNothingLeft(): Promise<void> {
    const directory = await this.directory();
    const status = await this.status();
    for (const { id, pid } of status.processes) if (pid !== null) assert.equal(lives(pid), false, `${id} (pid ${pid}) still lives`);
    assert.deepEqual(await processesOfRun(`${status.id}@${directory}`), [], 'processes with the mark of the run still live');
    const plan = JSON.parse(readFileSync(path.join(directory, 'plan.json'), 'utf8')) as Plan;
    const address = new Map(status.nodes.map((node) => [node.node, node.address]));
    for (const { id, node, ports } of plan.processes) {
      for (const port of Object.values(ports)) {
        const host = address.get(node);
        if (host === undefined || !(await listens(host, port))) continue;
        assert.ok(await isInBlockOfOther(host), `somebody listens on ${host}:${port} of ${id}`);
      }
    }
  }

  pidOf(status: StatusFile, id: string): number {
    const pid = status.processes.find((process) => process.id === id)?.pid;
    assert.ok(typeof pid === 'number', `${id} has no pid`);
    return pid;
  }
}

/** A process of this number is there. */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Whether another run on this machine has taken the addresses of an ended one: then it holds this port of the block (address-block.ts). */
function isInBlockOfOther(host: string): Promise<boolean> {
  return listens(host.replace(/\d+$/, '9'), 29_999);
}

function listens(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** One streamed completion; the events with text and the whole answer. */
export async function complete(endpoint: string, model: string): Promise<{ readonly events: number; readonly text: string }> {
  const response = await fetch(`${endpoint}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, prompt: 'once upon a time', max_tokens: 12, stream: true, ignore_eos: true }),
  });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return { events: [...text.matchAll(/"text": ?"(?!")/g)].length, text };
}
