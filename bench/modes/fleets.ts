/** The fleets that are compared: the same nodes, workers, entrances and nginx in both modes. Pure. */

export type Mode = 'router' | 'dynamo';
/** aggregated: 4 workers that do both; pairs: 2 prefill and 2 decode workers. */
export type Shape = 'aggregated' | 'pairs';
/**
 * instant: the simulated engines take next to no time, so what is measured is the way to them and back; paced: about 20 ms to the first
 * token and 6 ms for each one after it, so that a stream lasts long enough to be cut.
 */
export type Pace = 'instant' | 'paced';

export const MODEL = 'tiny';
/** Routers or frontends; nginx is in front of them. */
const ENTRANCES = 2;

/** The mocker's own pace at 1. Source: measured, ai-dynamo 1.6.1, engine type sglang. */
const SIM_AT_MOCKERS_PACE = { 'itl-ms': 6, 'itl-per-request-ms': 0, 'step-overhead-ms': 18, 'prefill-tokens-per-sec': 1_000_000 };
const INSTANT = 1000;

/** A recipe as JSON, which is YAML. `migrationLimit`: of Dynamo's frontends; null: their own. */
export function recipeOf(mode: Mode, shape: Shape, pace: Pace, migrationLimit: number | null = null): string {
  const isRouter = mode === 'router';
  const speed = pace === 'paced' ? (isRouter ? SIM_AT_MOCKERS_PACE : {}) : { [isRouter ? 'speedup' : 'speedup-ratio']: INSTANT };
  const flags = {
    'tensor-parallel-size': 1,
    ...(shape === 'pairs' && isRouter ? { 'disaggregation-transfer-backend': 'nixl' } : {}),
    ...speed,
  };
  return JSON.stringify({
    name: `${mode}-${shape}`,
    model: { path: MODEL },
    resources: {
      gpus_per_node: 1,
      ...(shape === 'pairs'
        ? { prefill_nodes: 2, prefill_workers: 2, decode_nodes: 2, decode_workers: 2 }
        : { agg_nodes: 4, agg_workers: 4 }),
    },
    backend: {
      type: 'sim',
      use_sglang_router: isRouter,
      num_additional_frontends: ENTRANCES - 1,
      sglang_config: shape === 'pairs' ? { prefill: flags, decode: flags } : { aggregated: flags },
    },
    ...(isRouter || migrationLimit === null ? {} : { frontend: { args: { 'migration-limit': migrationLimit } } }),
    health_check: { interval_seconds: 1, max_attempts: 120 },
  });
}
