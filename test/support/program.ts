/** The programs as processes: started with arguments, watched through their output, ended by signals. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gate, until, within } from './until.ts';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Program {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  exited: Exit | null = null;
  readonly #exit = gate<Exit>();

  /** `file`: below dist/bin, which is what users run (npm test builds it), without extension. Killed when the test ends, if it still runs. */
  static start(t: TestContext, file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
    const program = new Program(file, args, env);
    t.after(async () => {
      if (program.exited === null) program.child.kill('SIGKILL');
      await program.exit();
    });
    return program;
  }

  private constructor(file: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    const path = fileURLToPath(new URL(`../../../dist/bin/${file}.js`, import.meta.url));
    const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(SGLANG_|NODE_)/.test(name)));
    this.child = spawn(process.execPath, [path, ...args], { env: { ...clean, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
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

  /** Waits until the output holds `text`. */
  async says(text: string): Promise<void> {
    await until(
      () => {
        if (`${this.stdout}${this.stderr}`.includes(text)) return true;
        if (this.exited !== null)
          throw new Error(`the program ended (${this.exited.code}) without saying ${text}: ${this.stdout}${this.stderr}`);
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
