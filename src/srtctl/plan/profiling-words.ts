/** What profiling adds to workers: words in front of the engine, variables, and the requests that start and stop a recording. */
import type { Environment, WorkerRole } from '../recipe/resolve/recipe.ts';
import type { PlanContext } from './context.ts';

/** Below the run directory; one directory for each role. */
const DIRECTORY = '<run>/profiles';

/** Source: nsys profile of Nsight Systems 2025. */
const NSYS_OPTIONS = ['--cuda-graph-trace=node', '--force-overwrite=true', '--wait=all'];

/** nsys in front of the engine; empty without nsys. `id`: of the process. */
export function profilerWords({ recipe }: PlanContext, role: WorkerRole, id: string): readonly string[] {
  const { profiling } = recipe;
  if (profiling === null || profiling.type === 'torch') return [];
  const when =
    profiling.type === 'nsys'
      ? ['--capture-range=cudaProfilerApi', `--capture-range-end=${profiling.captureRangeEnd}`]
      : [`--delay=${profiling.delaySeconds}`, `--duration=${profiling.durationSeconds}`, '--kill=none'];
  return [
    'nsys',
    'profile',
    `--trace=${profiling.nsysTrace}`,
    ...NSYS_OPTIONS,
    ...when,
    ...profiling.nsysArgs,
    '-o',
    `${DIRECTORY}/${role}/${id}`,
  ];
}

/** Where nsys of a role writes; null without nsys. */
export function profilerDirectory({ recipe }: PlanContext, role: WorkerRole): string | null {
  return recipe.profiling === null || recipe.profiling.type === 'torch' ? null : `${DIRECTORY}/${role}`;
}

/** Where PyTorch's profiler of a worker writes. */
export function profilerEnvironment({ recipe }: PlanContext, role: WorkerRole): Environment {
  return recipe.profiling?.type === 'torch' ? { SGLANG_TORCH_PROFILER_DIR: `${DIRECTORY}/${role}` } : {};
}

/** For the client of the benchmark: `KIND,URL,START,STEPS,DIRECTORY` of each worker that it tells to record. */
export function recordings(
  { recipe }: PlanContext,
  workers: readonly { readonly role: WorkerRole; readonly url: string }[],
): readonly string[] {
  const { profiling, mode } = recipe;
  if (profiling === null || profiling.type === 'nsys-time') return [];
  const prefix = mode === 'dynamo' ? '/engine' : '';
  return workers.flatMap(({ role, url }) => {
    const steps = profiling.steps.find((one) => one.role === role);
    return steps === undefined ? [] : [`${profiling.type},${url}${prefix},${steps.start},${steps.stop - steps.start},${DIRECTORY}/${role}`];
  });
}
