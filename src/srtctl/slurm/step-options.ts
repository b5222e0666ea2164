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
 * $1: working directory; $2: the node's GPUs to use, by their place among those of the job, or nothing; then variables and the program.
 * A directory that is missing would be ignored by srun, and SLURM sets CUDA_VISIBLE_DEVICES of a step itself: both are done here.
 * stderr joins stdout, so that lines keep their order and srun's own stderr holds only what srun says.
 */
const ON_NODE = `exec 2>&1
echo "${STEP_MARK} $SLURM_JOB_ID $SLURM_STEP_ID $$ $SLURMD_NODENAME"
cd -- "$1" || exit 125
if [ -n "$2" ]; then
  own=$2
  if [ -n "$CUDA_VISIBLE_DEVICES" ]; then
    own= place=0 rest=$CUDA_VISIBLE_DEVICES,
    while [ -n "$rest" ]; do
      case ,$2, in *,$place,*) own=\${own:+$own,}\${rest%%,*} ;; esac
      rest=\${rest#*,} place=$((place + 1))
    done
  fi
  export CUDA_VISIBLE_DEVICES="$own"
fi
shift 2
exec env "$@"`;

/** argv for srun itself. `argv`: program and arguments, bound. `inside`: variables to set on the node, which win over everything. */
export function stepArgv(
  process: Pick<PlannedProcess, 'id' | 'role' | 'container' | 'gpus' | 'env'>,
  place: StepPlace,
  mounts: readonly PlannedMount[],
  inside: Readonly<Record<string, string>>,
  argv: readonly string[],
): string[] {
  const isGivenByPlan = process.env['CUDA_VISIBLE_DEVICES'] === process.gpus.join(',');
  const gpus = isGivenByPlan ? process.gpus.join(',') : '';
  const variables = Object.entries(inside).filter(([name]) => !(isGivenByPlan && name === 'CUDA_VISIBLE_DEVICES'));
  return [
    ...stepOptions(process.id, place),
    ...containerOptions(process, place.cwd, mounts),
    ...Object.entries(place.options).map(([name, value]) => (value === null ? `--${name}` : `--${name}=${value}`)),
    // Other shells drop variables with unusual names, such as exported functions; the image of nginx may have no bash.
    ...(process.role === 'nginx' ? ['/bin/sh'] : ['bash', '--norc']),
    ...['-c', ON_NODE, 'srtctl', place.cwd, gpus],
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

function containerOptions(
  { role, container }: Pick<PlannedProcess, 'role' | 'container'>,
  cwd: string,
  mounts: readonly PlannedMount[],
): string[] {
  if (container === null) return [];
  const all = mounts.map(({ host, container: inside, options }) => `${host}:${inside}${options === null ? '' : `:${options}`}`);
  return [
    `--container-image=${container}`,
    `--container-workdir=${cwd}`,
    '--no-container-entrypoint',
    '--no-container-mount-home',
    // The nginx image changes its user at start, which only root may.
    ...(role === 'nginx' ? ['--container-remap-root'] : []),
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

/** Options that the launcher sets on every step, and why a recipe must not. */
const OWNED =
  /^(?:jobid|overlap|exclusive|exact|nodes|N|ntasks|n|ntasks-per-node|nodelist|w|relative|r|input|i|output|o|error|e|job-name|J|label|l|pty|multi-prog|container-.*|no-container-.*)$/;

/** What is wrong with `srun_options`, one sentence each. */
export function stepOptionProblems(options: Readonly<Record<string, string | null>>): string[] {
  return Object.keys(options).flatMap((name) => {
    if (name === 'export')
      return ['srun_options.export: srun would cut values at commas and drop the rest; write variables under environment'];
    return OWNED.test(name) ? [`srun_options.${name}: srtctl sets --${name} itself; remove it`] : [];
  });
}
