/** Wheels of SGLang: which there are, and the routes in them. Uses pip, and Python to read the sources. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { ROOT } from '../../test/support/program.ts';
import type { Release } from './page.ts';
import type { EngineRoute } from './treatment.ts';

const FOLDER = path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'sglang-router', 'sglang-wheels');

function python(...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync('python3', args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`python3 ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
  return stdout;
}

/** The newest version of each minor release, oldest first. */
export function newestOfEachMinor(): string[] {
  const listed = /Available versions: (.*)/.exec(python('-m', 'pip', '--disable-pip-version-check', 'index', 'versions', 'sglang'))?.[1];
  if (listed === undefined) throw new Error('pip lists no versions of sglang');
  const newest = new Map<string, string>();
  // Newest first.
  for (const version of listed.split(', ')) {
    const minor = version.split('.').slice(0, 2).join('.');
    if (!newest.has(minor)) newest.set(minor, version);
  }
  return [...newest.values()].reverse();
}

/** Downloaded once. */
export function routesOf(version: string): Release {
  mkdirSync(FOLDER, { recursive: true });
  const find = (): string | undefined => readdirSync(FOLDER).find((name) => name.startsWith(`sglang-${version}-`) && name.endsWith('.whl'));
  if (find() === undefined) {
    const options = ['--disable-pip-version-check', 'download', '--quiet', '--no-deps', '--only-binary', ':all:', '--dest', FOLDER];
    python('-m', 'pip', ...options, `sglang==${version}`);
  }
  const wheel = find();
  if (wheel === undefined) throw new Error(`pip downloaded no wheel of sglang ${version}`);
  const read = JSON.parse(python(`${ROOT}tools/engine-routes/read-routes.py`, path.join(FOLDER, wheel))) as readonly Declared[]; // Its output.
  const routes: EngineRoute[] = read.flatMap(({ path: route, methods }) => methods.map((method) => ({ path: route, method })));
  return { version, routes };
}

/** As read-routes.py prints it. */
interface Declared {
  readonly path: string;
  readonly methods: readonly string[];
}
