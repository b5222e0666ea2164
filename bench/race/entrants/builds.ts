/** This router as built in a folder's dist/: the one that a race is about, or two builds side by side. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandEntrant, shortName } from './command.ts';
import { BOOTSTRAP_PORT, type Entrant } from './entrant.ts';

/** Names of the two builds, before the slash. */
export const NEW = 'new';
export const OLD = 'old';

const HERE = fileURLToPath(new URL('../../../../', import.meta.url));

/** Commit and folder of a checkout; the folder alone where git knows none. */
function versionOf(dir: string): string {
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', dir, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no') === '' ? '' : ' and changes';
    return `${git('log', '-1', '--format=%h %s')}${changed} (${dir})`;
  } catch {
    return dir;
  }
}

/** One entrant per policy, and one that pairs a prefill with a decode worker; metrics on, as by default. */
function buildEntrants(name: string, dir: string, policies: readonly string[], node: readonly string[] = []): readonly Entrant[] {
  const router = join(dir, 'dist/bin/router.js');
  const words = (workers: readonly string[]) => [
    ...[process.execPath, ...node, router, '--host', '127.0.0.1', '--port', '{port}', ...workers, '--policy', '{policy}'],
    ...['--prometheus-host', '127.0.0.1', '--prometheus-port', '{metrics_port}', '--log-level', 'error'],
  ];
  const plain = words(['--worker-urls', '{workers}']);
  const prefill = ['--prefill', 'http://127.0.0.1:{prefill_port}', String(BOOTSTRAP_PORT)];
  const pair = words(['--pd-disaggregation', ...prefill, '--decode', 'http://127.0.0.1:{decode_port}']);
  const findProblem = () => (existsSync(router) ? null : `${router} is missing (run "npm run build" in ${dir})`);
  const version = () => [versionOf(dir), ...node].join(' ');
  return [
    ...policies.map((policy) => ({ ...commandEntrant(`${name}/${shortName(policy)}`, plain, policy, findProblem), version })),
    { ...commandEntrant(`${name}/pd`, pair, 'round_robin', findProblem, 'pd'), version },
  ];
}

/** This checkout's build. */
export const ours = (policies: readonly string[]): readonly Entrant[] => buildEntrants('ours', HERE, policies);

export interface NodeOptions {
  readonly new: readonly string[];
  readonly old: readonly string[];
}

/** This checkout's build and that of another folder. */
export function builds(against: string, policies: readonly string[], node: NodeOptions): readonly Entrant[] {
  const old = buildEntrants(OLD, resolve(against), policies, node.old);
  return buildEntrants(NEW, HERE, policies, node.new).flatMap((entrant, i) => [entrant, old[i]!]);
}
