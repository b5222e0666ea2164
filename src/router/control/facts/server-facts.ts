/** Selects what the router keeps of what a worker reports (`/server_info`, `/model_info`). */

import { memberOf } from '../calls/json-answers.ts';
import type { WorkerOptions } from '../registry/worker-options.ts';
import type { WorkerFacts } from '../registry/worker-record.ts';

/** Short facts that operators look for. Engines report hundreds, among them keys and paths of their machine. */
const KEPT = [
  'model_path',
  'served_model_name',
  'tokenizer_path',
  'model_type',
  'weight_version',
  'version',
  'tp_size',
  'dp_size',
  'page_size',
  'max_total_num_tokens',
  'max_req_input_len',
  'disaggregation_mode',
  'is_generation',
] as const;
const BOOTSTRAP_PORT = 'disaggregation_bootstrap_port';
const MAX_CHARACTERS = 512;

/** `server`, `model`: the parsed answers, null where there is none. What is not a short text, a number or a boolean is left out. */
export function factsOf(server: object | null, model: object | null): WorkerFacts {
  const metadata: Record<string, string> = {};
  for (const name of KEPT) {
    const value = findText(server, name) ?? findText(model, name);
    if (value !== null) metadata[name] = value;
  }
  // Every engine reports a port; only that of a prefill worker is used.
  const port = metadata['disaggregation_mode'] === 'prefill' ? findText(server, BOOTSTRAP_PORT) : null;
  // A simulated engine that was started with port 0 reports 0, not the port that it got.
  if (port !== null && port !== '0') metadata[BOOTSTRAP_PORT] = port;
  // Source: sglang_router 0.3.2: served_model_name, else the last segment of model_path.
  const modelId = metadata['served_model_name'] ?? lastSegment(metadata['model_path'] ?? '');
  return {
    modelId: modelId === '' ? null : modelId,
    dpSize: dpSizeOf(metadata['dp_size'] ?? ''),
    maxRunningRequests: maxRunningOf(server),
    metadata,
  };
}

/** More than any engine has: a larger number is a mistake. */
const MAX_RANKS = 1024;

function dpSizeOf(text: string): number | null {
  const count = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  return count >= 1 && count <= MAX_RANKS ? count : null;
}

/**
 * What its schedulers run at the same time, together; else what the engine was started with. Source: SGLang 0.5.23, whose `internal_states` has one
 * entry for each rank.
 */
function maxRunningOf(server: object | null): number | null {
  const states = memberOf(server, 'internal_states');
  const ofRanks = Array.isArray(states) ? states.map((state) => memberOf(state, 'effective_max_running_requests_per_dp')) : [];
  const isKnown = ofRanks.length > 0 && ofRanks.every((count) => isCount(count));
  const total: unknown = isKnown
    ? ofRanks.reduce((sum: number, count) => sum + Number(count), 0)
    : memberOf(server, 'max_running_requests');
  return isCount(total) ? total : null;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}

function findText(description: object | null, name: string): string | null {
  if (description === null || !Object.hasOwn(description, name)) return null;
  const value: unknown = Reflect.get(description, name);
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return null;
  const text = String(value);
  return text === '' || text.length > MAX_CHARACTERS ? null : text;
}

function lastSegment(path: string): string {
  return path.replace(/\/+$/, '').split('/').at(-1) ?? '';
}

/**
 * Describes how the worker differs from what it was registered as; null if it does not. A worker that reports nothing does not differ.
 * Source of the words: SGLang 0.5.23 (`disaggregation_mode` is "null" for regular workers).
 */
export function findMisfit({ type, bootstrapPort }: WorkerOptions, { metadata }: WorkerFacts): string | null {
  const mode = metadata['disaggregation_mode'];
  if (mode === undefined) return null;
  const reported = mode === 'prefill' || mode === 'decode' ? mode : 'regular';
  if (reported !== type) return `registered as ${type}, but it is a ${reported} worker`;
  const port = metadata[BOOTSTRAP_PORT];
  if (port === undefined || bootstrapPort === null || port === String(bootstrapPort)) return null;
  return `registered with the bootstrap port ${bootstrapPort}, but it says ${port}`;
}
