/** What happens to a run, in which phase, and how it must end. */

/** When the fault comes. */
export type Phase = 'starting' | 'benchmarking' | 'serving' | 'stopping';

export type Fault =
  /** To the process of a plan. */
  | { readonly kind: 'signal'; readonly to: string; readonly signal: 'SIGKILL' | 'SIGSTOP' }
  /** To the supervisor; `guard`: its guard is killed in the same moment. */
  | { readonly kind: 'supervisor'; readonly signal: 'SIGKILL' | 'SIGHUP' | 'SIGTERM'; readonly guard: boolean }
  /** The file is overwritten while the run lasts, which is then cancelled. */
  | { readonly kind: 'damage'; readonly file: 'status.json' | 'job.json'; readonly text: string }
  /** The run directory is removed; the run is then cancelled. */
  | { readonly kind: 'no directory' };

export interface ChaosCell {
  readonly name: string;
  readonly phase: Phase;
  readonly fault: Fault;
  /** Exit code of `srtctl apply`; null: it was killed, and that of `srtctl status` counts. */
  readonly code: number | null;
  /** First line of `srtctl status` afterwards; null: there is no directory left to ask. */
  readonly firstLine: RegExp | null;
  /** In the report or on the terminal: the cause. */
  readonly cause: RegExp;
  /** `srtctl cancel --force` is needed, and must leave nothing. */
  readonly needsForce: boolean;
  readonly withinSeconds: number;
}

const kill = (to: string, phase: Phase, code: number): ChaosCell => ({
  name: `kill -9 ${to}`,
  phase,
  fault: { kind: 'signal', to, signal: 'SIGKILL' },
  code,
  firstLine: code === 4 ? /failed \(start, exit code 4\)/ : /failed \(running, exit code 7\)/,
  cause: new RegExp(`${to} on n\\d was ended by SIGKILL`),
  needsForce: false,
  withinSeconds: 20,
});

const stop = (to: string): ChaosCell => ({
  name: `STOP ${to}`,
  phase: 'benchmarking',
  fault: { kind: 'signal', to, signal: 'SIGSTOP' },
  code: 7,
  firstLine: /failed \(running, exit code 7\)/,
  cause: new RegExp(`${to} on n\\d (?:has not answered its probe for|does not answer)`),
  needsForce: false,
  withinSeconds: 75,
});

const leave = (signal: 'SIGHUP' | 'SIGTERM', phase: Phase): ChaosCell => ({
  name: `${signal} to srtctl`,
  phase,
  fault: { kind: 'supervisor', signal, guard: false },
  code: 130,
  firstLine: /cancelled/,
  cause: new RegExp(`cancelled by ${signal}`),
  needsForce: false,
  withinSeconds: 20,
});

const lose = (phase: Phase, guard: boolean): ChaosCell => ({
  name: `kill -9 srtctl${guard ? ' and its guard' : ''}`,
  phase,
  fault: { kind: 'supervisor', signal: 'SIGKILL', guard },
  code: null,
  firstLine: /^lost {2}/,
  cause: guard ? /still run: pid \d+ .*"srtctl cancel --force/ : /its supervisor is gone without having ended it/,
  needsForce: guard,
  withinSeconds: 20,
});

const damage = (file: 'status.json' | 'job.json', text: string, kind: string): ChaosCell => ({
  name: `${file} is ${kind}`,
  phase: 'serving',
  fault: { kind: 'damage', file, text },
  code: 130,
  firstLine: /cancelled/,
  cause: /cancelled by SIGTERM/,
  needsForce: false,
  withinSeconds: 20,
});

/** The ones that npm test plays. */
export const FAST_CELLS: readonly ChaosCell[] = [
  lose('serving', true),
  {
    name: 'rm -r of the run directory',
    phase: 'serving',
    fault: { kind: 'no directory' },
    code: 130,
    firstLine: null,
    cause: /cannot be written \(ENOENT\)[\s\S]*is gone: logs, results and report of this run are lost/,
    needsForce: false,
    withinSeconds: 20,
  },
];

export const CELLS: readonly ChaosCell[] = [
  ...FAST_CELLS,
  kill('prefill-0', 'starting', 4),
  ...['prefill-0', 'decode-0', 'router-1', 'nginx'].map((id) => kill(id, 'benchmarking', 7)),
  kill('decode-0', 'serving', 7),
  // Not nginx: its workers go on without their master, and nothing fails.
  ...['decode-0', 'router-1'].map(stop),
  ...(['starting', 'benchmarking', 'serving', 'stopping'] as const).map((phase) => lose(phase, false)),
  ...(['starting', 'benchmarking', 'serving'] as const).map((phase) => leave('SIGHUP', phase)),
  leave('SIGTERM', 'starting'),
  damage('status.json', '', 'empty'),
  damage('status.json', '\0'.repeat(4096), 'zeroed'),
  damage('job.json', '[]', 'not an object'),
];
