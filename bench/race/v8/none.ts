/** For `--old-node`: a router that leaves V8 at its defaults, without the settings of src/base/runtime/v8-flags.ts. */
import { applyOnly } from './apply-only.ts';

applyOnly([]);
