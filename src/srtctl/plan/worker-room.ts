/** What surrounds every worker: mounts, files, and the commands that run before it. */
import type { WorkerGroup } from '../recipe/resolve/recipe.ts';
import { CONFIGS_DIRECTORY, commonMounts, modelMounts, type PlanContext, SETUP_DIRECTORY, SOURCE_DIRECTORY } from './context.ts';
import { dynamoFiles, PIP_ENVIRONMENT } from './dynamo-source.ts';
import { dynamoSteps, mockerMounts } from './dynamo-words.ts';
import type { PlannedFile, PlannedMount, PlannedStep } from './plan.ts';
import { profilerDirectory } from './profiling-words.ts';

export function workerMounts(context: PlanContext): readonly PlannedMount[] {
  if (context.container === null) return [];
  const source = context.recipe.backend.sglangSourceDirectory;
  return [
    ...modelMounts(context),
    ...mockerMounts(context),
    ...commonMounts(context),
    ...(source === null ? [] : [{ host: source, container: SOURCE_DIRECTORY, options: null }]),
    ...setupMounts(context),
  ];
}

/** The directory of a setup script that is not in the one of configurations, so that the script finds its neighbours. */
export function setupMounts({ recipe, container }: PlanContext): readonly PlannedMount[] {
  const script = recipe.setupScript;
  if (container === null || script?.host == null || script.inConfigs !== null) return [];
  const directory = script.host.slice(0, script.host.lastIndexOf('/')) || '/';
  return [{ host: directory, container: SETUP_DIRECTORY, options: 'ro' }];
}

/** Setup script, then SGLang from source, then Dynamo: each builds upon those before it. Simulated engines need none. */
export function workerSteps(context: PlanContext, group: WorkerGroup): readonly PlannedStep[] {
  const { backend, mode, frameworks } = context.recipe;
  if (backend.type === 'sim') return [];
  const steps: PlannedStep[] = [...setupSteps(context)];
  const source = backend.sglangSourceDirectory;
  if (source !== null)
    steps.push({
      what: `install SGLang from ${source}`,
      argv: ['pip', 'install', '-e', '.', '--no-deps'],
      cwd: context.container === null ? source : SOURCE_DIRECTORY,
      env: PIP_ENVIRONMENT,
    });
  if (mode === 'dynamo') steps.push(...dynamoSteps(context));
  const expected = Object.entries(frameworks).map(([name, version]) => `${name}==${version}`);
  if (expected.length > 0)
    steps.push({ what: 'compare the versions of packages', argv: ['python3', '-c', COMPARE, ...expected], cwd: null, env: {} });
  const profiles = profilerDirectory(context, group.role);
  if (profiles !== null) steps.push({ what: 'make the directory of profiles', argv: ['mkdir', '-p', profiles], cwd: null, env: {} });
  return steps;
}

export function setupSteps({ recipe, container }: PlanContext): readonly PlannedStep[] {
  const script = recipe.setupScript;
  if (script === null) return [];
  const inside = script.inConfigs === null ? `${SETUP_DIRECTORY}/${script.name}` : `${CONFIGS_DIRECTORY}/${script.inConfigs}`;
  const path = container === null ? (script.host ?? script.name) : inside;
  return [{ what: `run the setup script ${script.name}`, argv: ['bash', path], cwd: null, env: PIP_ENVIRONMENT }];
}

export function workerFiles({ recipe, container }: PlanContext): readonly PlannedFile[] {
  return recipe.mode === 'dynamo' && container !== null && recipe.backend.type !== 'sim' ? dynamoFiles(recipe.dynamo.install) : [];
}

/** Tells what differs, and fails nothing. */
const COMPARE = `import sys
from importlib.metadata import PackageNotFoundError, version
for word in sys.argv[1:]:
    name, _, wanted = word.partition("==")
    try:
        found = version(name)
    except PackageNotFoundError:
        found = "not installed"
    if found != wanted:
        print(f"srtctl: warning: {name} is {found}, the recipe says {wanted}", flush=True)
`;
