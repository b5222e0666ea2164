/** Flags of the bundled router, judged as the router itself will judge them, before a fleet waits for it. */
import { loadConfig, type Problem } from '../../router/config/load-config.ts';
import type { FlagValue, RouterChoice } from '../recipe/resolve/recipe.ts';
import { environmentOf, type PlanContext } from './context.ts';
import { flagWords } from './flag-words.ts';
import { OWNED_FLAGS } from './owned-flags.ts';

/** What every router is given besides, with an address that the router can read in the place of symbols. */
const WITHOUT_PAIRS = ['--worker-urls', 'http://127.0.0.1:30000'];
const WITH_PAIRS = ['--pd-disaggregation', '--prefill', 'http://127.0.0.1:30000', '30001', '--decode', 'http://127.0.0.2:30000'];
/** Two ports that differ; whether those of the plan do, its book of ports tells. */
const LISTENING = ['--host', '127.0.0.1', '--port', '30080', '--prometheus-host', '127.0.0.1', '--prometheus-port', '29000'];

/** Ends what the bundled router says of flags and values that other versions have and this one does not. */
const NOT_YET = /not available in this version yet/;

/**
 * The router of a plan. A recipe that names none gets the bundled one, unless it asks for what only sglang_router can do: workers that
 * speak gRPC, or flags that sglang_router has and the bundled router has not yet.
 */
export function chooseRouter(context: PlanContext): RouterChoice {
  const { frontend, workers, mode } = context.recipe;
  if (frontend.isRouterNamed || mode === 'dynamo' || frontend.isDirect || context.container === null) return frontend.router;
  if (workers.some(({ flags }) => flags['grpc-mode'] === true)) {
    context.warnings.push('workers speak gRPC, so the routers are sglang_router of the container; the bundled router speaks HTTP');
    return 'sglang_router';
  }
  const loaded = load(context, flagWords(frontend.args, ROUTER_PLAN_FLAGS));
  if (loaded?.kind !== 'errors' || !loaded.problems.every(({ expected }) => NOT_YET.test(expected))) return frontend.router;
  const flags = loaded.problems.map(({ flag, value }) => (value === null ? flag : `${flag} ${value}`)).join(', ');
  context.warnings.push(
    `the bundled router does not take ${flags} yet, so the routers are sglang_router of the container; "frontend.router: bundled" makes it a problem`,
  );
  return 'sglang_router';
}

/** Flags that the plan writes itself. */
export const ROUTER_PLAN_FLAGS: ReadonlySet<string> = new Set([...OWNED_FLAGS, 'prometheus-host', 'prometheus-port']);

/** Adds to the problems and warnings of the context. `words`: the flags of `frontend.args` as the router gets them. */
export function checkRouterFlags(context: PlanContext, words: readonly string[]): void {
  const { frontend } = context.recipe;
  const loaded = load(context, words);
  if (loaded === null) return;
  if (loaded.kind === 'errors') {
    for (const problem of loaded.problems) context.problems.push({ path: placeOf(problem, context), ...inWords(problem) });
  } else if (loaded.kind === 'config') {
    for (const warning of loaded.warnings) context.warnings.push(`routers: ${warning.replace(' (command line)', '')}`);
  } else {
    const [flag = 'args'] = Object.keys(frontend.args).filter((name) => /^(help|version|check-config)$/.test(name));
    context.problems.push({ path: `frontend.args.${flag}`, message: 'routers would answer and end', suggestion: 'remove it' });
  }
}

/** Policies that the bundled router has and sglang_router has not. */
const ONLY_BUNDLED: ReadonlySet<FlagValue> = new Set(['least_wait']);

/** Adds to the problems of the context what would end sglang_router at its start. Its other flags are its own affair. */
export function checkOtherRouter({ recipe, problems }: PlanContext): void {
  for (const flag of ['policy', 'prefill-policy', 'decode-policy']) {
    const value = recipe.frontend.args[flag];
    if (value === undefined || !ONLY_BUNDLED.has(value)) continue;
    const message = `sglang_router has no policy ${value}`;
    problems.push({ path: `frontend.args.${flag}`, message, suggestion: 'set frontend.router: bundled, or another policy' });
  }
}

/** Null: the other half of the settings is in a file of the nodes. */
function load(context: PlanContext, words: readonly string[]): ReturnType<typeof loadConfig> | null {
  const { disaggregated, frontend } = context.recipe;
  if (Object.hasOwn(frontend.args, 'config')) return null;
  const env = environmentOf(context, 0, frontend.environment);
  return loadConfig({
    argv: [...(disaggregated ? WITH_PAIRS : WITHOUT_PAIRS), ...LISTENING, ...words],
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value.replaceAll('<node0>', '127.0.0.1')])),
    readFile: () => '',
  });
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
