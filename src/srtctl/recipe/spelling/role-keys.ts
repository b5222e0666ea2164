/** What the blocks of `roles` in schema 2 are called in schema 1. */
import type { Path } from '../text/tree.ts';

export const ROLES = ['prefill', 'decode', 'agg'] as const;
export type SchemaRole = (typeof ROLES)[number];

/** The word for a role among engines: environments and flags. */
export function modeOf(role: SchemaRole): 'prefill' | 'decode' | 'aggregated' {
  return role === 'agg' ? 'aggregated' : role;
}

/** Key below `roles.<role>` -> path in schema 1. */
export function rolePaths(role: SchemaRole): Readonly<Record<string, Path>> {
  const mode = modeOf(role);
  return {
    nodes: ['resources', `${role}_nodes`],
    workers: ['resources', `${role}_workers`],
    gpus: ['resources', `gpus_per_${role}`],
    env: ['backend', `${mode}_environment`],
    args: ['backend', 'sglang_config', mode],
    container: ['backend', `${mode}_container`],
    kv_events: ['backend', 'kv_events_config', mode],
  };
}

/** Nodes of decode workers that share those of prefill, in the words of schema 2. In schema 1 they are 0. */
export const COLOCATE = 'colocate';
