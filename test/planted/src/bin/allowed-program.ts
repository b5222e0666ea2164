import { compose } from '../router/compose.ts';
import { target } from '../router/control/registry/target.ts';

process.stdout.write(`${compose} ${target} ${Date.now()}\n`);
process.exit(0);
