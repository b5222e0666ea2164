/** SLURM's own programs, run to their end. Their answers are read by format fields, never from tables for people. */
import { type ExecFileException, execFile } from 'node:child_process';

export interface SlurmAnswer {
  /** Null: it could not be started, or did not end in time. */
  readonly code: number | null;
  readonly stdout: string;
  /** Trimmed. When the program could not run: why. */
  readonly stderr: string;
}

export interface SlurmCommands {
  run(argv: readonly string[], timeoutMs?: number): Promise<SlurmAnswer>;
}

const TIMEOUT_MS = 20_000;
const MAX_OUTPUT = 32 * 1024 * 1024;

/**
 * Variables that are options of SLURM's programs, set by an outer job or by a person for their own use: SQUEUE_STATES hides jobs,
 * SCANCEL_INTERACTIVE asks, SLURM_EXPORT_ENV empties environments.
 */
const OPTION_VARIABLE =
  /^(?:SQUEUE|SCANCEL|SINFO|SCONTROL|SRUN)_|^SLURM_(?:EXPORT_ENV|LABELIO|STDINMODE|STDOUTMODE|STDERRMODE|OPEN_MODE|KILL_BAD_EXIT|WAIT|WAIT4SWITCH|EXCLUSIVE|EXACT|OVERLAP|DISTRIBUTION|HINT|CPU_BIND.*|MEM_BIND.*|STEP_.*|NTASKS.*|NPROCS|NNODES|THREADS.*|MULTI_PROG|DEBUG|SRUN_.*|WHOLE|NO_KILL|RELATIVE|HET_SIZE|JSON|YAML)$/;

export function withoutOptionVariables(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !OPTION_VARIABLE.test(name)));
}

/** sbatch takes these from the environment where a recipe and the cluster file say nothing; what else it would take changes the script's meaning. */
const SUBMISSION_DEFAULTS = new Set(['SBATCH_ACCOUNT', 'SBATCH_PARTITION', 'SBATCH_QOS', 'SBATCH_RESERVATION', 'SBATCH_CONSTRAINT']);
const SLURM_SETTINGS = new Set(['SLURM_CONF', 'SLURM_JWT']);

/** For sbatch: no options from the environment that would win over the script, no traces of an outer job. `given`: names of options in the script. */
export function submissionEnvironment(environment: NodeJS.ProcessEnv, given: ReadonlySet<string>): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => {
      if (name.startsWith('SLURM')) return SLURM_SETTINGS.has(name);
      if (!name.startsWith('SBATCH_')) return true;
      return SUBMISSION_DEFAULTS.has(name) && !given.has(name.slice('SBATCH_'.length).toLowerCase());
    }),
  );
}

export function slurmCommands(environment: NodeJS.ProcessEnv): SlurmCommands {
  // Dates and messages as the programs of every site write them.
  const env = { ...withoutOptionVariables(environment), LC_ALL: 'C', SLURM_TIME_FORMAT: 'standard' };
  return {
    run: (argv, timeoutMs = TIMEOUT_MS) =>
      new Promise((resolve) => {
        execFile(
          argv[0]!,
          argv.slice(1),
          { env, timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT },
          (error, stdout, stderr) => {
            if (error === null) resolve({ code: 0, stdout, stderr: stderr.trim() });
            else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr: stderr.trim() });
            else resolve({ code: null, stdout, stderr: whyNot(argv[0]!, error, timeoutMs) });
          },
        );
      }),
  };
}

function whyNot(program: string, error: ExecFileException, timeoutMs: number): string {
  if (error.code === 'ENOENT') return `${program} is not on PATH; srtctl needs the client programs of SLURM here`;
  return error.killed === true ? `${program} did not answer within ${timeoutMs / 1000} s` : error.message;
}
