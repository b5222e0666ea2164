/** Routers that a command line starts. */
import { freePort } from '../processes.ts';
import { type Entrant, type Field, type Kind, workerUrls } from './entrant.ts';
import { waitForWorkers } from './readiness.ts';

const SHORT_NAMES: Readonly<Record<string, string>> = { round_robin: 'rr', cache_aware: 'ca', power_of_two: 'p2c', random: 'random' };

export const shortName = (policy: string): string => SHORT_NAMES[policy] ?? policy;

/** Replaces each placeholder of a template; `{workers}` becomes several arguments. */
function fill(words: readonly string[], values: Readonly<Record<string, string>>, field: Field): string[] {
  return words.flatMap((word) =>
    word === '{workers}' ? workerUrls(field) : [word.replace(/\{(\w+)\}/g, (all, name: string) => values[name] ?? all)],
  );
}

/**
 * An entrant from the words of a command. Placeholders: `{port}`, `{metrics_port}`, `{policy}`, `{prefill_port}`, `{decode_port}`, and
 * the separate word `{workers}` (the worker URLs, one argument each).
 */
export function commandEntrant(
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
  return policies.map((policy) => commandEntrant(`${name}/${shortName(policy)}`, words, policy, () => null));
}
