import { compose } from '../compose.ts';
import { target } from '../control/target.ts';

process.stdout.write(`${compose} ${target} ${Date.now()}\n`);
process.exit(0);
