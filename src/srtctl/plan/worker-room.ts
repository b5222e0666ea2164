/** What surrounds every worker: mounts, and the commands that run before it. */
import { basename } from 'node:path';
import { commonMounts, modelMounts, type PlanContext, SETUP_DIRECTORY, SOURCE_DIRECTORY } from './context.ts';
import { dynamoSteps, mockerMounts } from './dynamo-words.ts';
import type { PlannedMount, PlannedStep } from './plan.ts';

export function workerMounts(context: PlanContext): readonly PlannedMount[] {
  if (context.container === null) return [];
  const { setupScript, backend } = context.recipe;
  const source = backend.sglangSourceDirectory;
  return [
    ...modelMounts(context),
    ...mockerMounts(context),
    ...commonMounts(context),
    ...(source === null ? [] : [{ host: source, container: SOURCE_DIRECTORY, options: null }]),
    ...(setupScript === null ? [] : [{ host: setupScript, container: `${SETUP_DIRECTORY}/${basename(setupScript)}`, options: 'ro' }]),
  ];
}

/** Setup script, then SGLang from source, then Dynamo: each builds upon those before it. Simulated engines need none. */
export function workerSteps(context: PlanContext): readonly PlannedStep[] {
  const { setupScript, backend, mode } = context.recipe;
  if (backend.type === 'sim') return [];
  const isContained = context.container !== null;
  const steps: PlannedStep[] = [];
  if (setupScript !== null)
    steps.push({
      what: `run the setup script ${basename(setupScript)}`,
      argv: ['bash', isContained ? `${SETUP_DIRECTORY}/${basename(setupScript)}` : setupScript],
      cwd: null,
    });
  const source = backend.sglangSourceDirectory;
  if (source !== null)
    steps.push({
      what: `install SGLang from ${source}`,
      argv: ['pip', 'install', '-e', '.', '--no-deps'],
      cwd: isContained ? SOURCE_DIRECTORY : source,
    });
  if (mode === 'dynamo') steps.push(...dynamoSteps(context));
  return steps;
}
