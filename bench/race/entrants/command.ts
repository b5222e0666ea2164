/** Routers that a command line starts: this one, and any other named with `--also`. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freePort } from '../processes.ts';
import { type Entrant, type Field, workerUrls } from './entrant.ts';
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
 * An entrant from the words of a command. Placeholders: `{port}`, `{metrics_port}`, `{policy}`, and `{workers}` (a word of its own:
 * the worker URLs, one argument each).
 */
function commandEntrant(name: string, words: readonly string[], policy: string, findProblem: () => string | null): Entrant {
  return {
    name,
    kind: 'plain',
    findProblem,
    async start(field) {
      const port = await freePort();
      const values = { port: String(port), metrics_port: String(await freePort()), policy };
      const [command = '', ...args] = fill(words, values, field);
      const program = field.programs.start(name, command, args, { port });
      await waitForWorkers(program, field.workerPorts.length, true);
      return { port, program };
    },
  };
}

/** This router as built in dist/, metrics on, one entrant per policy. */
export function ours(policies: readonly string[]): readonly Entrant[] {
  const words = [
    process.execPath,
    DIST_ROUTER,
    '--host',
    '127.0.0.1',
    '--port',
    '{port}',
    '--worker-urls',
    '{workers}',
    '--policy',
    '{policy}',
  ];
  words.push('--prometheus-host', '127.0.0.1', '--prometheus-port', '{metrics_port}', '--log-level', 'error');
  const findProblem = () => (existsSync(DIST_ROUTER) ? null : 'dist/bin/router.js is not built (npm run build)');
  return policies.map((policy) => commandEntrant(`ours/${SHORT_NAMES[policy] ?? policy}`, words, policy, findProblem));
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
