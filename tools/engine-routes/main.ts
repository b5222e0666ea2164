/**
 * `npm run engine-routes [-- --write] [VERSION ...]`: reads the routes of SGLang releases (the newest of each minor one, if none is named) and
 * fails on a route that the router neither passes on nor refuses. `--write` writes docs/engine-routes.md.
 */
import { writeFileSync } from 'node:fs';
import { ROOT } from '../../test/support/program.ts';
import { pageOf, unknownRoutes } from './page.ts';
import { newestOfEachMinor, routesOf } from './wheels.ts';

const args = process.argv.slice(2);
const named = args.filter((arg) => !arg.startsWith('-'));
const releases = (named.length === 0 ? newestOfEachMinor() : named).map(routesOf);
for (const { version, routes } of releases) process.stdout.write(`sglang ${version}: ${routes.length} routes\n`);
const unknown = unknownRoutes(releases);
if (unknown.length > 0) {
  process.stderr.write(`in neither list of src/router/proxy/routing/engine-routes.ts:\n  ${unknown.join('\n  ')}\n`);
  process.exitCode = 1;
} else if (args.includes('--write')) {
  writeFileSync(`${ROOT}docs/engine-routes.md`, pageOf(releases));
  process.stdout.write('docs/engine-routes.md written\n');
}
