/** Contradictions inside a plan that show only when it runs; looked for when a run did not become ready. Pure. */
import type { Plan, PlannedProcess } from '../plan/plan.ts';
import { flagOf } from './planned-flag.ts';

/** One sentence for each. Empty: the plan agrees with itself. */
export function findContradictions(plan: Plan): string[] {
  const prefill = plan.processes.filter(({ role, rank }) => role === 'prefill' && rank === 0);
  return [...bootstrapOfRouters(plan, prefill), ...bootstrapOfWorkers(prefill), ...transferBackends(plan)];
}

/** `--prefill URL PORT` of every router against the port of the worker behind URL. */
function bootstrapOfRouters(plan: Plan, prefill: readonly PlannedProcess[]): string[] {
  const byUrl = new Map(prefill.map((worker) => [worker.ready.kind === 'worker' ? bare(worker.ready.url) : '', worker]));
  return plan.processes
    .filter(({ role }) => role === 'router')
    .flatMap((router) =>
      router.argv.flatMap((word, at) => {
        if (word !== '--prefill') return [];
        const worker = byUrl.get(bare(router.argv[at + 1] ?? ''));
        const told = router.argv[at + 2] ?? '';
        const has = worker?.ports['bootstrap'];
        if (worker === undefined || has === undefined || !/^\d+$/.test(told) || Number(told) === has) return [];
        return [`Bootstrap mismatch: ${router.id} is told port ${told} for ${worker.id}, which listens on ${has}.`];
      }),
    );
}

/** The flag that the engine got against the port that the plan counts with. */
function bootstrapOfWorkers(prefill: readonly PlannedProcess[]): string[] {
  return prefill.flatMap((worker) => {
    const flag = flagOf(worker, '--disaggregation-bootstrap-port');
    const planned = worker.ports['bootstrap'];
    if (flag === null || planned === undefined || Number(flag) === planned) return [];
    return [`Bootstrap mismatch: ${worker.id} is started with --disaggregation-bootstrap-port ${flag}, and the routers use ${planned}.`];
  });
}

function transferBackends(plan: Plan): string[] {
  const used = new Map<string, string>();
  for (const worker of plan.processes) {
    const backend = worker.role === 'prefill' || worker.role === 'decode' ? flagOf(worker, '--disaggregation-transfer-backend') : null;
    if (backend !== null && !used.has(backend)) used.set(backend, worker.id);
  }
  if (used.size < 2) return [];
  return [`Transfer backends differ: ${[...used].map(([backend, id]) => `${id} uses ${backend}`).join(', ')}.`];
}

function bare(url: string): string {
  return url.replace(/\/+$/, '');
}
