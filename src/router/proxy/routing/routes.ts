/** The routes of the router: what a path is, which methods it takes, and what must be known of a request to route it. */
import type { LocalRoute } from '../../../base/core/local-route.ts';
import {
  CHAT_PROMPT,
  CLASSIFY_PROMPT,
  COMPLETION_PROMPT,
  EMBEDDING_PROMPT,
  GENERATE_PROMPT,
  MESSAGES_PROMPT,
  type PromptFields,
  RERANK_PROMPT,
  RESPONSES_PROMPT,
} from '../../../wire/json/prompt-fields.ts';
import type { HttpSeries } from '../../telemetry/metrics.ts';
import type { RequestIdPrefix } from './request-id.ts';

/**
 * policy: one worker, chosen by the policy. any: one worker that can answer, tried in turn (information that is the
 * same everywhere). every: all workers at once, the first good answer wins (what only one worker knows). local: the router answers.
 * closed: nothing; the gate refuses it.
 */
export type RouteKind = 'policy' | 'any' | 'every' | 'local' | 'closed';

/**
 * What becomes of a route whose requests go to workers when prefill and decode are divided. pair: to both. one: to one
 * prefill worker (what any engine knows). refused: no engine of a pair can serve it alone, and the protocol has no form for it.
 */
export type PairedKind = 'pair' | 'one' | 'refused';

export interface Route {
  readonly kind: RouteKind;
  /** Label of metrics; ids in paths are written `{id}`. */
  readonly path: string;
  /** What `endpoint` says in smg_router_* metrics. */
  readonly endpoint: string;
  readonly idPrefix: RequestIdPrefix;
  /** Which fields hold the prompt; null: the body is never read here. */
  readonly prompt: PromptFields | null;
  /** What engines call it, if not by the same path. */
  readonly enginePath: string | null;
  /** A slash at the end of the path means something to the engine; else the engine is asked without it, and would only redirect. */
  readonly keepsSlash: boolean;
  /** JSON is the only body it takes (415 otherwise). */
  readonly json: boolean;
  readonly paired: PairedKind;
  readonly local: LocalRoute | null;
  /** Methods that the path takes, where the request's is none of them; else null. */
  readonly allow: string | null;
  /** Bound when the table is built. */
  readonly series: HttpSeries;
}

export interface Declaration {
  readonly methods: readonly string[];
  readonly path: string;
  readonly kind: RouteKind;
  readonly endpoint?: string;
  readonly idPrefix?: RequestIdPrefix;
  readonly prompt?: PromptFields;
  readonly enginePath?: string;
  readonly json?: boolean;
  /** `one` if left out. */
  readonly paired?: PairedKind;
}

const post = (
  path: string,
  endpoint: string,
  prompt: PromptFields,
  idPrefix: RequestIdPrefix = 'req-',
  paired: PairedKind = 'refused',
): Declaration => ({
  methods: ['POST'],
  paired,
  path,
  kind: 'policy',
  endpoint,
  idPrefix,
  prompt,
  json: true,
});
const info = (path: string): Declaration => ({ methods: ['GET', 'HEAD'], path, kind: 'any' });

/** Source: spec of sglang_router 0.3.2 (regular workers), and what the engine itself serves. */
export const DECLARATIONS: readonly Declaration[] = [
  { ...post('/generate', 'generate', GENERATE_PROMPT, 'gnt-', 'pair'), methods: ['POST', 'PUT'] },
  post('/v1/chat/completions', 'chat', CHAT_PROMPT, 'chatcmpl-', 'pair'),
  post('/v1/completions', 'completions', COMPLETION_PROMPT, 'cmpl-', 'pair'),
  post('/v1/embeddings', 'embeddings', EMBEDDING_PROMPT),
  post('/v1/classify', 'classify', CLASSIFY_PROMPT),
  { ...post('/v1/rerank', 'rerank', RERANK_PROMPT), methods: ['POST', 'PUT'] },
  { ...post('/rerank', 'rerank', RERANK_PROMPT), enginePath: '/v1/rerank' },
  post('/v1/responses', 'responses', RESPONSES_PROMPT, 'resp-'),
  { methods: ['GET', 'DELETE'], path: '/v1/responses/{id}', kind: 'every', endpoint: 'responses', idPrefix: 'resp-', paired: 'refused' },
  { methods: ['POST'], path: '/v1/responses/{id}/cancel', kind: 'every', endpoint: 'responses', idPrefix: 'resp-', paired: 'refused' },
  { methods: ['GET'], path: '/v1/responses/{id}/input_items', kind: 'every', endpoint: 'responses', idPrefix: 'resp-', paired: 'refused' },
  post('/v1/messages', 'messages', MESSAGES_PROMPT),
  { methods: ['POST'], path: '/v1/audio/transcriptions', kind: 'policy', endpoint: 'transcriptions', paired: 'refused' },
  { methods: ['POST'], path: '/v1/tokenize', kind: 'policy', endpoint: 'tokenize', json: true },
  { methods: ['POST'], path: '/v1/detokenize', kind: 'policy', endpoint: 'detokenize', json: true },
  info('/v1/models'),
  info('/v1/models/{id...}'),
  info('/get_model_info'),
  info('/model_info'),
  info('/get_server_info'),
  info('/server_info'),
  info('/health_generate'),
];
