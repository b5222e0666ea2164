/** For `--old-node`: a router that leaves V8 at its defaults. */
import { applyOnly } from './apply-only.ts';

applyOnly([]);
