import type { Findings } from '../text/findings.ts';
import type { WorkerRole } from './recipe.ts';

/** Keys under resources that belong to a role. */
export const KEYS = {
  prefill: { nodes: 'prefill_nodes', workers: 'prefill_workers', gpus: 'gpus_per_prefill' },
  decode: { nodes: 'decode_nodes', workers: 'decode_workers', gpus: 'gpus_per_decode' },
  aggregated: { nodes: 'agg_nodes', workers: 'agg_workers', gpus: 'gpus_per_agg' },
} as const;

/** `a prefill worker` */
export function oneWorker(role: WorkerRole): string {
  return `${role === 'aggregated' ? 'an' : 'a'} ${role} worker`;
}

export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** The path of a flag as the recipe spells it, with `_` or `-`. */
export function pathOf(findings: Findings, section: readonly string[], flag: string): readonly string[] {
  const map = findings.find(section);
  const spelled = map?.kind === 'map' ? [...map.entries.keys()].find((key) => key.replaceAll('_', '-') === flag) : undefined;
  return [...section, spelled ?? flag];
}
