/** Flags of the bundled router, judged as the router itself will judge them, before a fleet waits for it. */
import { loadConfig, type Problem } from '../../router/config/load-config.ts';
import { environmentOf, type PlanContext } from './context.ts';

/** What every router is given besides, with an address that the router can read in the place of symbols. */
const WITHOUT_PAIRS = ['--worker-urls', 'http://127.0.0.1:30000'];
const WITH_PAIRS = ['--pd-disaggregation', '--prefill', 'http://127.0.0.1:30000', '30001', '--decode', 'http://127.0.0.2:30000'];
/** Two ports that differ; whether those of the plan do, its book of ports tells. */
const LISTENING = ['--host', '127.0.0.1', '--port', '30080', '--prometheus-host', '127.0.0.1', '--prometheus-port', '29000'];

/** Adds to the problems and warnings of the context. `words`: the flags of `frontend.args` as the router gets them. */
export function checkRouterFlags(context: PlanContext, words: readonly string[]): void {
  const { disaggregated, frontend } = context.recipe;
  // What the other half of the settings says stands in a file of the nodes.
  if (Object.hasOwn(frontend.args, 'config')) return;
  const env = environmentOf(context, 0, frontend.environment);
  const loaded = loadConfig({
    argv: [...(disaggregated ? WITH_PAIRS : WITHOUT_PAIRS), ...LISTENING, ...words],
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value.replaceAll('<node0>', '127.0.0.1')])),
    readFile: () => '',
  });
  if (loaded.kind === 'errors') {
    for (const problem of loaded.problems) context.problems.push({ path: placeOf(problem, context), ...inWords(problem) });
  } else if (loaded.kind === 'config') {
    for (const warning of loaded.warnings) context.warnings.push(`routers: ${warning.replace(' (command line)', '')}`);
  } else {
    const [flag = 'args'] = Object.keys(frontend.args).filter((name) => /^(help|version|check-config)$/.test(name));
    context.problems.push({ path: `frontend.args.${flag}`, message: 'routers would answer and end', suggestion: 'remove it' });
  }
}

function placeOf({ flag, source }: Problem, { recipe }: PlanContext): string {
  const [, variable = ''] = /^environment variable (\S+)$/.exec(source) ?? [];
  if (Object.hasOwn(recipe.frontend.environment, variable)) return `frontend.env.${variable}`;
  if (variable !== '') return `environment.${variable}`;
  const name = flag.replace(/^--/, '');
  return Object.hasOwn(recipe.frontend.args, name) ? `frontend.args.${name}` : 'frontend.args';
}

function inWords({ flag, value, expected }: Problem): { message: string; suggestion: string | null } {
  const [first = '', ...rest] = expected.split('; ');
  const given = value === null ? '' : ` ${JSON.stringify(value)}`;
  return { message: `${flag}${given}: the bundled router expects ${first}`, suggestion: rest.length === 0 ? null : rest.join('; ') };
}
