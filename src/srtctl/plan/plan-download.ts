/** The download of a model of a hub, once, before workers start. */
import { commonMounts, environmentOf, type PlanContext } from './context.ts';
import { type PlannedProcess, TIERS } from './plan.ts';
import { plannedProcess } from './planned-process.ts';

/** Where huggingface_hub keeps models. */
const CACHE_VARIABLE = 'HF_HOME';

/**
 * With HF_HOME on a file system that all nodes see, one process downloads and the workers find the files. Without it every container would
 * download the model for itself, which the plan warns of.
 */
export function planDownload(context: PlanContext): readonly PlannedProcess[] {
  const { recipe, container, contained } = context;
  const { path } = recipe.model;
  if (!path.startsWith('hf:') || recipe.backend.type === 'sim') return [];
  const [first] = recipe.workers;
  const env = environmentOf(context, 0, first?.environment ?? {});
  if (env[CACHE_VARIABLE] === undefined) {
    if (contained)
      context.warnings.push(
        `model.path: every container downloads ${path} for itself; set ${CACHE_VARIABLE} under environment to a directory that all nodes mount, and it is downloaded once`,
      );
    return [];
  }
  const revision = recipe.modelRevision;
  return [
    plannedProcess({
      id: 'download',
      role: 'task',
      on: 0,
      tier: TIERS.infrastructure,
      argv: ['python3', '-c', DOWNLOAD, path.slice('hf:'.length), ...(revision === null ? [] : [revision])],
      env,
      container,
      mounts: commonMounts(context),
      ready: { kind: 'done' },
    }),
  ];
}

const DOWNLOAD = `import sys
from huggingface_hub import snapshot_download
print("srtctl: download", *sys.argv[1:], flush=True)
print("srtctl: the model is in", snapshot_download(sys.argv[1], revision=(sys.argv[2:] or [None])[0]), flush=True)
`;
