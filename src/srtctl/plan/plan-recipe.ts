/** From a recipe and a cluster file to a plan. */
import { basename } from 'node:path';
import type { Cluster } from '../recipe/resolve/cluster.ts';
import type { HealthCheck, Recipe } from '../recipe/resolve/recipe.ts';
import { withAbsolutePaths } from './absolute-paths.ts';
import { checkRecipe } from './check-recipe.ts';
import { chooseRouter } from './check-router-flags.ts';
import type { PlanContext } from './context.ts';
import { findText } from './flag-words.ts';
import { nodeName, urlOf } from './nodes.ts';
import { placeRouters } from './place-routers.ts';
import { placeWorkers, type WorkerPlacement } from './place-workers.ts';
import type { Plan, PlannedCount, PlanProblem } from './plan.ts';
import { allNodes, describeBenchmark, planBenchmark } from './plan-benchmark.ts';
import { planDownload } from './plan-download.ts';
import { planEntrance, seatEntrance } from './plan-entrance.ts';
import { planInfrastructure } from './plan-frontends.ts';
import { importImages } from './plan-images.ts';
import { planMooncake } from './plan-mooncake.ts';
import { routerMetrics } from './plan-routers.ts';
import { planHostSetup, planServices } from './plan-services.ts';
import { planWorkers } from './plan-workers.ts';
import { PortBook } from './port-book.ts';

export interface PlanOptions {
  /** For the machine that plans: nothing runs in containers, and paths are the host's. */
  readonly local: boolean;
  /** Absolute; what relative paths of the recipe are relative to. */
  readonly directory: string;
}

/** A plan without problems, or null and at least one problem. */
export interface PlanResult {
  readonly plan: Plan | null;
  readonly problems: readonly PlanProblem[];
}

/** Pure: equal input, equal plan. All problems at once. */
export function planRecipe(given: Recipe, cluster: Cluster, { local, directory }: PlanOptions): PlanResult {
  const recipe = withAbsolutePaths(given, directory);
  const contained = !local && cluster.containerRuntime === 'pyxis';
  const runsInContainer = contained && !(recipe.backend.type === 'sim' && recipe.mode === 'router');
  const asked: PlanContext = {
    recipe,
    cluster,
    contained,
    container: runsInContainer ? recipe.model.container : null,
    model: servedName(recipe),
    ports: new PortBook(),
    problems: [],
    warnings: [],
  };
  const publicHost = recipe.frontend.publicHost ?? (!local && namesLocalhost(recipe) ? '0.0.0.0' : null);
  const frontend = { ...recipe.frontend, router: chooseRouter(asked), publicHost };
  const context: PlanContext = { ...asked, recipe: { ...recipe, frontend } };
  checkRecipe(context);
  const placement = placeWorkers(recipe);
  context.problems.push(...placement.problems);
  const plan = assemble(context, placement);
  const problems = [...context.problems, ...context.ports.problems];
  return problems.length > 0 ? { plan: null, problems } : { plan, problems };
}

function assemble(context: PlanContext, placement: WorkerPlacement): Plan {
  const { recipe, cluster } = context;
  const { frontend, resources } = recipe;
  const routerNodes = frontend.multiple && !frontend.isDirect ? placeRouters(resources.nodes, frontend.additional, frontend.spread) : [0];
  const counts = countAll(context, placement, frontend.isDirect ? 0 : routerNodes.length);
  const infrastructure = [
    ...(recipe.mode === 'dynamo' ? planInfrastructure(context) : []),
    ...planMooncake(context),
    ...planDownload(context),
    ...planHostSetup(context, allNodes(context), placement.workers),
  ];
  const entrance = seatEntrance(context, routerNodes);
  const services = planServices(context, placement.workers);
  const workers = planWorkers(context, placement.workers);
  const endpoint = urlOf(0, frontend.publicPort);
  const benchmark = describeBenchmark(context, endpoint, placement.workers);
  return {
    name: recipe.name,
    nodes: allNodes(context),
    gpusPerNode: resources.gpusPerNode,
    processes: importImages(cluster.imageDirectory, [
      ...infrastructure,
      ...services,
      ...planEntrance(context, entrance, workers.addresses),
      ...workers.processes,
      ...(benchmark === null
        ? []
        : [
            planBenchmark(context, benchmark, {
              placed: placement.workers,
              workers: workers.addresses,
              profiled: workers.profiled,
              routerMetrics: routerMetrics(context, entrance.seats),
            }),
          ]),
    ]),
    endpoint,
    model: context.model,
    benchmark,
    healthCheck: patientCheck(recipe),
    preamble: cluster.preamble,
    counts,
    warnings: context.warnings,
  };
}

/** First `served-model-name` of prefill, decode, aggregated; otherwise the last part of the model's path. */
function servedName(recipe: Recipe): string {
  for (const { flags } of recipe.workers) {
    const name = findText(flags, 'served-model-name');
    if (name !== null) return name;
  }
  return basename(recipe.model.path.replace(/^hf:/, ''));
}

/** Commands of srt-slurm's recipes find the endpoint at localhost, in their text or in the scripts that they run. */
function namesLocalhost({ benchmark }: Recipe): boolean {
  if (benchmark.type !== 'custom') return false;
  const text = [benchmark.command, ...Object.values(benchmark.environment)].join(' ');
  return /\blocalhost\b|\b127\.0\.0\.1\b/.test(text) || /\.(?:sh|py)\b/.test(benchmark.command);
}

/** Services that come before the routers may take as long as they say, on top of the wait for the fleet. */
function patientCheck({ healthCheck, services }: Recipe): HealthCheck {
  const longest = Math.max(0, ...services.map(({ start, timeoutMs }) => (start === 'after' ? 0 : (timeoutMs ?? 0))));
  return { ...healthCheck, timeoutMs: healthCheck.timeoutMs + longest };
}

/** What was asked against what runs; differences become warnings. */
function countAll(context: PlanContext, placement: WorkerPlacement, routers: number): readonly PlannedCount[] {
  const { recipe, warnings } = context;
  const { frontend } = recipe;
  const what = recipe.mode === 'router' ? 'routers' : 'frontends';
  const asked = frontend.isDirect ? 0 : frontend.multiple ? 1 + frontend.additional : 1;
  if (routers < asked) warnings.push(fewerRouters(context, what, asked, routers));
  const idle = placement.used.flatMap((used, index) => (used ? [] : [nodeName(index)]));
  if (idle.length > 0) warnings.push(`no worker runs on ${idle.join(', ')}`);
  return [
    { what: 'nodes', asked: allNodes(context).length, runs: allNodes(context).length },
    { what, asked, runs: routers },
    ...recipe.workers.map(({ role, workers }) => ({
      what: `${role} workers`,
      asked: workers,
      runs: placement.workers.filter((worker) => worker.role === role).length,
    })),
  ];
}

function fewerRouters({ recipe }: PlanContext, what: string, asked: number, runs: number): string {
  const { additional, spread } = recipe.frontend;
  const { nodes } = recipe.resources;
  const even = Math.min(asked, nodes);
  const begin = `${asked} ${what} were asked (1 + num_additional_frontends ${additional}), ${runs} will run: `;
  if (spread === 'even' || runs === even) return `${begin}there ${nodes === 1 ? 'is 1 node' : `are ${nodes} nodes`}, and each takes one`;
  const step = Math.ceil((nodes - 1) / additional);
  const remark = even < asked ? ` (${even}, one on every node)` : '';
  return `${begin}one on n0 and on every ${step}. node after it, by ceil((${nodes} - 1) / ${additional}) = ${step}; "frontend.spread: even" starts ${even}${remark}`;
}
