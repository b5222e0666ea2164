/** For `--old-node`: a router that collects the young generation on one thread and lets it grow in one step, up to the limit of V8. */
import { applyOnly } from './apply-only.ts';

applyOnly(['--no-parallel-scavenge', '--semi-space-growth-factor=8']);
