/** Programs as processes: started with arguments, watched through their output, ended by signals. */

import { type ChildProcess, spawn } from 'node:child_process';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Owner } from './owner.ts';
import { gate, until, within } from './until.ts';

/** The root of the repository, with a slash at its end. */
export const ROOT: string = fileURLToPath(new URL('../../../', import.meta.url));

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunOptions {
  /** On top of the variables of the test's process, from which those that would matter are removed. */
  readonly env?: Readonly<Record<string, string>>;
  readonly group?: boolean;
}

export class Program {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  exited: Exit | null = null;
  readonly #exit = gate<Exit>();

  /** `file`: below dist/bin, which is what users run (npm test builds it), without extension. Killed when the test ends, if it still runs. */
  static start(t: Owner, file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
    return Program.run(t, process.execPath, [`${ROOT}dist/bin/${file}.js`, ...args], { env });
  }

  /** Any command, in the root of the repository. `group`: with a process group of its own, as a terminal gives one to each command. */
  static run(t: Owner, command: string, args: readonly string[], { env = {}, group = false }: RunOptions = {}): Program {
    const program = new Program(command, args, env, group);
    t.after(async () => {
      if (program.exited === null && program.child.pid !== undefined)
        process.kill(group ? -program.child.pid : program.child.pid, 'SIGKILL');
      await program.exit();
    });
    return program;
  }

  private constructor(command: string, args: readonly string[], env: Readonly<Record<string, string>>, group: boolean) {
    const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(SGLANG_|NODE_)/.test(name)));
    this.child = spawn(command, args, { cwd: ROOT, env: { ...clean, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: group });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.child.on('close', (code, signal) => {
      this.exited = { code, signal };
      this.#exit.open(this.exited);
    });
  }

  /** All output has been read by then. */
  exit(): Promise<Exit> {
    return within(this.#exit.promise, 'the program to end', 20_000);
  }

  /** Waits until the output holds `text`, or something that matches it. */
  async says(text: string | RegExp): Promise<void> {
    await until(
      () => {
        const output = `${this.stdout}${this.stderr}`;
        if (typeof text === 'string' ? output.includes(text) : text.test(output)) return true;
        if (this.exited !== null) throw new Error(`the program ended (${this.exited.code}) without saying ${text}: ${output}`);
        return false;
      },
      () => `the program to say ${text}: ${this.stdout}${this.stderr}`,
      20_000,
    );
  }

  /** Log lines in JSON with this message. */
  logged(message: string): Record<string, unknown>[] {
    return `${this.stdout}\n${this.stderr}`
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((record) => record['msg'] === message);
  }
}

/** Whether nobody listens on 127.0.0.1:`port`. */
export function isClosed(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: '127.0.0.1', port });
    socket.on('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.on('error', () => resolve(true));
  });
}
