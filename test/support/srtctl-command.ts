/** A command line of srtctl in the process of the test: what the program would print, and its exit code. */
import { realClock } from '../../src/base/runtime/clock.ts';
import { runSrtctl } from '../../src/srtctl/commands/srtctl.ts';
import { ROOT } from './program.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly cwd?: string;
  /** All of stdin. */
  readonly input?: string;
  /** PATH. */
  readonly path?: string | undefined;
}

/** For commands that start nothing: no signal reaches them. */
export async function srtctl(
  args: readonly string[],
  { cwd = ROOT, input = '', path = process.env['PATH'] }: Surroundings = {},
): Promise<Ran> {
  const { SRTSLURM_CONFIG: _, ...env } = process.env;
  let stdout = '';
  let stderr = '';
  const code = await runSrtctl(args, '0.0.0', {
    clock: realClock,
    env: { ...env, PATH: path },
    workingDirectory: cwd.replace(/\/$/, ''),
    packageDirectory: ROOT.replace(/\/$/, ''),
    nodeBinary: process.execPath,
    out: (text) => {
      stdout += text;
    },
    err: (text) => {
      stderr += text;
    },
    screen: null,
    readInput: async () => input,
    onSignal: () => () => {},
    onUserSignal: () => () => {},
    ask: async () => null,
  });
  return { code, stdout, stderr };
}
