/** Routers that a command line starts: this one, and any other named with `--also`. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freePort } from '../processes.ts';
import { BOOTSTRAP_PORT, type Entrant, type Field, type Kind, workerUrls } from './entrant.ts';
import { waitForWorkers } from './readiness.ts';

const SHORT_NAMES: Readonly<Record<string, string>> = { round_robin: 'rr', cache_aware: 'ca', power_of_two: 'p2c', random: 'random' };
const DIST_ROUTER = fileURLToPath(new URL('../../../../dist/bin/router.js', import.meta.url));

/** What stands behind each placeholder of a template; `workers` becomes several arguments. */
function fill(words: readonly string[], values: Readonly<Record<string, string>>, field: Field): string[] {
  return words.flatMap((word) =>
    word === '{workers}' ? workerUrls(field) : [word.replace(/\{(\w+)\}/g, (all, name: string) => values[name] ?? all)],
  );
}

/**
 * An entrant from the words of a command. Placeholders: `{port}`, `{metrics_port}`, `{policy}`, `{prefill_port}`, `{decode_port}`, and
 * `{workers}` (a word of its own:
 * the worker URLs, one argument each).
 */
function commandEntrant(
  name: string,
  words: readonly string[],
  policy: string,
  findProblem: () => string | null,
  kind: Kind = 'plain',
): Entrant {
  return {
    name,
    kind,
    findProblem,
    async start(field) {
      const port = await freePort();
      const ports = { port, metrics_port: await freePort(), prefill_port: field.prefillPort, decode_port: field.decodePort };
      const values = { ...Object.fromEntries(Object.entries(ports).map(([key, value]) => [key, String(value)])), policy };
      const [command = '', ...args] = fill(words, values, field);
      const program = field.programs.start(name, command, args, { port });
      await waitForWorkers(program, kind === 'pd' ? 2 : field.workerPorts.length, true);
      return { port, program };
    },
  };
}

const notBuilt = () => (existsSync(DIST_ROUTER) ? null : 'dist/bin/router.js is not built (npm run build)');

/** This router as built in dist/, metrics on, in front of the workers that `workers` names. */
function ourWords(workers: readonly string[]): string[] {
  const words = [process.execPath, DIST_ROUTER, '--host', '127.0.0.1', '--port', '{port}', ...workers, '--policy', '{policy}'];
  return [...words, '--prometheus-host', '127.0.0.1', '--prometheus-port', '{metrics_port}', '--log-level', 'error'];
}

/** One entrant per policy, and one that pairs a prefill with a decode worker. */
export function ours(policies: readonly string[]): readonly Entrant[] {
  const plain = ourWords(['--worker-urls', '{workers}']);
  const pair = ['--prefill', 'http://127.0.0.1:{prefill_port}', String(BOOTSTRAP_PORT), '--decode', 'http://127.0.0.1:{decode_port}'];
  return [
    ...policies.map((policy) => commandEntrant(`ours/${SHORT_NAMES[policy] ?? policy}`, plain, policy, notBuilt)),
    commandEntrant('ours/pd', ourWords(['--pd-disaggregation', ...pair]), 'round_robin', notBuilt, 'pd'),
  ];
}

/** `NAME=COMMAND ...` of `--also`: one entrant, or one per policy if the command has `{policy}`. Throws if there is no `=`. */
export function fromTemplate(text: string, policies: readonly string[]): readonly Entrant[] {
  const equals = text.indexOf('=');
  const name = text.slice(0, equals);
  const words = text
    .slice(equals + 1)
    .split(/\s+/)
    .filter(Boolean);
  if (equals < 1 || words.length === 0) throw new Error(`--also "${text}": expected NAME=COMMAND`);
  const isPerPolicy = words.some((word) => word.includes('{policy}'));
  if (!isPerPolicy) return [commandEntrant(name, words, 'round_robin', () => null)];
  return policies.map((policy) => commandEntrant(`${name}/${SHORT_NAMES[policy] ?? policy}`, words, policy, () => null));
}
