/** For `--old-node`: a router whose young generation doubles each time as much as it holds has survived, as V8 does by default. */
import { applyOnly } from './apply-only.ts';

applyOnly(['--no-parallel-scavenge']);
