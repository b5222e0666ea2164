/** What the router keeps of a worker's own description (`/server_info`, `/model_info`). */
import type { WorkerFacts } from './worker-record.ts';

/** Short facts that an operator looks for. The engine's description has hundreds, keys and paths of its machine among them. */
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
const MAX_CHARACTERS = 512;

/** `server`, `model`: the parsed answers, null where there is none. What is not a short text, a number or a boolean is left out. */
export function factsOf(server: object | null, model: object | null): WorkerFacts {
  const metadata: Record<string, string> = {};
  for (const name of KEPT) {
    const value = findText(server, name) ?? findText(model, name);
    if (value !== null) metadata[name] = value;
  }
  // Source: sglang_router 0.3.2: served_model_name, else the last segment of model_path.
  const modelId = metadata['served_model_name'] ?? lastSegment(metadata['model_path'] ?? '');
  return { modelId: modelId === '' ? null : modelId, metadata };
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
