/** The program `router` as a process, on a free port. */
import type { Owner } from './owner.ts';
import { Program } from './program.ts';
import { ask } from './raw-client.ts';

export interface RunningProgram {
  readonly program: Program;
  readonly port: number;
  /** The process id. */
  readonly pid: number;
}

/** Resolves when it listens. */
export async function startRouterProgram(t: Owner, args: readonly string[]): Promise<RunningProgram> {
  const program = Program.start(t, 'router', ['--port', '0', '--prometheus-port', '0', '--log-format', 'json', ...args]);
  await program.says('router listens');
  const { pid } = program.child;
  if (pid === undefined) throw new Error('the router has no process id');
  return { program, port: Number(program.logged('router listens')[0]?.['port']), pid };
}

/** Resolves when the router takes requests. `port`: its own, or that of its probe listener. */
export function untilReady(port: number): Promise<void> {
  return untilReadiness(port, 200);
}

export function untilNotReady(port: number): Promise<void> {
  return untilReadiness(port, 503);
}

const LIMIT_MS = 10_000;

async function untilReadiness(port: number, wanted: number): Promise<void> {
  const startMs = performance.now();
  for (;;) {
    const { status, text } = await ask(port, { path: '/readiness' });
    if (status === wanted) return;
    if (performance.now() - startMs > LIMIT_MS) throw new Error(`readiness is ${status} after ${LIMIT_MS} ms: ${text}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
