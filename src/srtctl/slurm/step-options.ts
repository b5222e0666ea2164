/** The command line of one step: srun's options, the container's, and what stands in front of the program on its node. Pure. Source: srun(1), pyxis. */
import type { PlannedMount, PlannedProcess } from '../plan/plan.ts';

export interface StepPlace {
  readonly job: string;
  /** SLURM's name of the node. */
  readonly node: string;
  /** Absolute, as the process sees it. */
  readonly cwd: string;
  /** More options of every step, from the recipe; null: without a value. */
  readonly options: Readonly<Record<string, string | null>>;
}

/** First line of a step's output: that it runs, which step it is, and its process on its node. */
export const STEP_MARK = 'srtctl-step';

/**
 * $1: working directory; $2: the node's GPUs to use, by their place among those of the job, or nothing; $3: the variable that names them;
 * then variables and the program. A directory that is missing would be ignored by srun, and SLURM sets CUDA_VISIBLE_DEVICES or
 * ROCR_VISIBLE_DEVICES of a step itself: both are done here.
 * stderr joins stdout, so that lines keep their order and srun's own stderr holds only what srun says.
 */
const ON_NODE = `exec 2>&1
echo "${STEP_MARK} $SLURM_JOB_ID $SLURM_STEP_ID $$ $SLURMD_NODENAME"
cd -- "$1" || exit 125
if [ -n "$2" ]; then
  own=$2
  eval "given=\\$$3"
  if [ -n "$given" ]; then
    own= place=0 rest=$given,
    while [ -n "$rest" ]; do
      case ,$2, in *,$place,*) own=\${own:+$own,}\${rest%%,*} ;; esac
      rest=\${rest#*,} place=$((place + 1))
    done
  fi
  export "$3=$own"
fi
shift 3
exec env "$@"`;

/** argv for srun itself. `argv`: program and arguments, bound. `inside`: variables to set on the node, which win over everything. */
export function stepArgv(
  process: Pick<PlannedProcess, 'id' | 'role' | 'container' | 'gpus' | 'env' | 'before'>,
  place: StepPlace,
  mounts: readonly PlannedMount[],
  inside: Readonly<Record<string, string>>,
  argv: readonly string[],
): string[] {
  const devices = devicesVariable(process);
  const variables = Object.entries(inside).filter(([name]) => name !== devices);
  return [
    ...stepOptions(process.id, place),
    ...containerOptions(process, place, mounts),
    ...Object.entries(place.options).map(([name, value]) => (value === null ? `--${name}` : `--${name}=${value}`)),
    // Other shells drop variables with unusual names, such as exported functions; the image of nginx may have no bash.
    ...(process.role === 'nginx' ? ['/bin/sh'] : ['bash', '--norc']),
    ...['-c', ON_NODE, 'srtctl', place.cwd, devices === null ? '' : process.gpus.join(','), devices ?? ''],
    ...variables.map(([name, value]) => `${name}=${value}`),
    ...argv,
  ];
}

/**
 * --overlap: a step without it takes all of its node, or waits for ever. --nodes and --ntasks: --nodelist alone would start it on every
 * node. --input=none: srun reads the stdin of its caller. --cpu-bind=none: a step of one task may otherwise get a single core.
 */
function stepOptions(name: string, { job, node }: StepPlace): string[] {
  return [
    `--jobid=${job}`,
    '--overlap',
    '--nodes=1',
    '--ntasks=1',
    `--nodelist=${node}`,
    '--cpu-bind=none',
    '--input=none',
    '--unbuffered',
    '--export=ALL',
    `--job-name=${name}`,
  ];
}

/** Where the plan gives a process a part of its node's GPUs, the variable that names them. An own order of the recipe is none. */
function devicesVariable({ env, gpus }: Pick<PlannedProcess, 'env' | 'gpus'>): string | null {
  const names = Object.keys(env).filter((name) => /(?:_VISIBLE_DEVICES|_AFFINITY_MASK)$/.test(name));
  return names.find((name) => gpus.length > 0 && env[name] === gpus.join(',')) ?? null;
}

function containerOptions(
  { role, container, before }: Pick<PlannedProcess, 'role' | 'container' | 'before'>,
  { cwd, options }: StepPlace,
  mounts: readonly PlannedMount[],
): string[] {
  if (container === null) return [];
  const all = mounts.map(({ host, container: inside, options: more }) => `${host}:${inside}${more === null ? '' : `:${more}`}`);
  const isFree = (name: string): boolean => !(name in options) && !(`no-${name}` in options);
  return [
    `--container-image=${container}`,
    `--container-workdir=${cwd}`,
    ...(isFree('container-entrypoint') ? ['--no-container-entrypoint'] : []),
    ...(isFree('container-mount-home') ? ['--no-container-mount-home'] : []),
    // The nginx image changes its user at start, and what is installed goes into directories of root.
    ...((role === 'nginx' || before.length > 0) && isFree('container-remap-root') ? ['--container-remap-root'] : []),
    ...(all.length === 0 ? [] : [`--container-mounts=${all.join(',')}`]),
  ];
}

export interface StepMark {
  readonly job: string;
  readonly step: string;
  readonly pid: number;
  readonly node: string;
}

/** Null: an ordinary line. */
export function readStepMark(line: string): StepMark | null {
  const match = new RegExp(`^${STEP_MARK} (\\d+) (\\d+) (\\d+) (\\S+)$`).exec(line);
  return match === null ? null : { job: match[1]!, step: match[2]!, pid: Number(match[3]), node: match[4]! };
}
