/** For `--old-node`: a router that collects the young generation on one thread and leaves its size to V8. */
import { applyOnly } from './apply-only.ts';

applyOnly(['--no-parallel-scavenge']);
