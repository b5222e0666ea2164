/**
 * The table of routes: what a path is, which methods it takes, and what must be known of a request to route it.
 * A path that is not in it goes to a worker unchanged (unless that door is closed), except the engine's control paths.
 */
import type { LocalRoute } from '../../../base/core/local-route.ts';
import type { RequestHead } from '../../../wire/http1/request-head.ts';
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
import { isControlPath } from './control-paths.ts';
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
  /** JSON is the only body it takes (415 otherwise). */
  readonly json: boolean;
  readonly paired: PairedKind;
  readonly local: LocalRoute | null;
  /** Methods that the path takes, where the request's is none of them; else null. */
  readonly allow: string | null;
  /** Bound when the table is built. */
  readonly series: HttpSeries;
}

interface Declaration {
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
const DECLARATIONS: readonly Declaration[] = [
  { ...post('/generate', 'generate', GENERATE_PROMPT, 'gnt-', 'pair'), methods: ['POST', 'PUT'] },
  post('/v1/chat/completions', 'chat', CHAT_PROMPT, 'chatcmpl-', 'pair'),
  post('/v1/completions', 'completions', COMPLETION_PROMPT, 'cmpl-', 'pair'),
  post('/v1/embeddings', 'embeddings', EMBEDDING_PROMPT),
  post('/v1/classify', 'classify', CLASSIFY_PROMPT),
  post('/v1/rerank', 'rerank', RERANK_PROMPT),
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

/** The path is known with other methods. */
export interface WrongMethod {
  /** Value of an Allow field. */
  readonly methods: string;
}

interface Entry {
  readonly segments: readonly string[];
  readonly methods: Map<string, Route>;
}

export type SeriesOf = (method: string, path: string) => HttpSeries;

export class RouteTable {
  readonly #exact = new Map<string, Map<string, Route>>();
  readonly #patterns: Entry[] = [];
  readonly #other: Route;
  readonly #closed: Route;
  /** By Allow field: routes of requests with a wrong method. */
  readonly #wrongMethods = new Map<string, Route>();
  readonly #isTransparent: boolean;

  /** `isTransparent`: paths that are not in the table go to a worker. */
  constructor(locals: readonly LocalRoute[], seriesOf: SeriesOf, isTransparent: boolean = true) {
    this.#isTransparent = isTransparent;
    for (const d of DECLARATIONS) {
      for (const method of d.methods) {
        this.#add(method, {
          kind: d.kind,
          path: d.path,
          endpoint: d.endpoint ?? 'info',
          idPrefix: d.idPrefix ?? 'req-',
          prompt: d.prompt ?? null,
          enginePath: d.enginePath ?? null,
          json: d.json ?? false,
          paired: d.paired ?? 'one',
          local: null,
          allow: null,
          series: seriesOf(method, d.path),
        });
      }
    }
    for (const local of locals) {
      const route: Route = {
        kind: 'local',
        path: local.path,
        endpoint: 'local',
        idPrefix: 'req-',
        prompt: null,
        enginePath: null,
        json: false,
        paired: 'one',
        local,
        allow: null,
        series: seriesOf(local.method, local.path),
      };
      this.#add(local.method, route);
      if (local.method === 'GET') this.#add('HEAD', route);
    }
    this.#other = {
      kind: 'policy',
      path: 'other',
      endpoint: 'other',
      idPrefix: 'req-',
      prompt: null,
      enginePath: null,
      json: false,
      paired: 'one',
      local: null,
      allow: null,
      series: seriesOf('other', 'other'),
    };
    this.#closed = { ...this.#other, kind: 'closed' };
  }

  /** The catch-all: a path that only the workers know. */
  get other(): Route {
    return this.#other;
  }

  /** The route of a request: also one that leads nowhere, which the gate refuses. */
  routeOf({ method, path, target }: RequestHead): Route {
    const found = this.find(method, path);
    if (found === null) return this.#isOpen(path, target) ? this.#other : this.#closed;
    return 'methods' in found ? this.#wrongMethod(found.methods) : found;
  }

  #isOpen(path: string, target: string): boolean {
    return this.#isTransparent && !isControlPath(path) && !/^\/metrics\/*$/.test(path) && target !== '*';
  }

  #wrongMethod(allow: string): Route {
    let route = this.#wrongMethods.get(allow);
    if (route === undefined) {
      route = { ...this.#closed, allow };
      this.#wrongMethods.set(allow, route);
    }
    return route;
  }

  /** The route of a request; null when the path is not in the table. Patterns come second, in order of declaration. */
  find(method: string, path: string): Route | WrongMethod | null {
    const exact = this.#exact.get(path);
    if (exact !== undefined) return exact.get(method) ?? { methods: [...exact.keys()].join(', ') };
    if (this.#patterns.length === 0) return null;
    const segments = path.split('/');
    // A variable part can spell a way out of its route: /v1/models/../../flush_cache.
    if (isControlPath(path)) return null;
    for (const entry of this.#patterns) {
      if (matches(entry.segments, segments)) return entry.methods.get(method) ?? { methods: [...entry.methods.keys()].join(', ') };
    }
    return null;
  }

  #add(method: string, route: Route): void {
    if (!route.path.includes('{')) {
      const methods = this.#exact.get(route.path) ?? new Map<string, Route>();
      methods.set(method, route);
      this.#exact.set(route.path, methods);
      return;
    }
    const segments = route.path.split('/');
    let entry = this.#patterns.find((other) => other.segments.join('/') === route.path);
    if (entry === undefined) {
      entry = { segments, methods: new Map() };
      this.#patterns.push(entry);
    }
    entry.methods.set(method, route);
  }
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  const open = pattern.at(-1)?.endsWith('...}') ?? false;
  if (open ? path.length < pattern.length : path.length !== pattern.length) return false;
  for (let i = 0; i < pattern.length; i++) {
    const part = pattern[i]!;
    if (part.startsWith('{')) {
      if (path[i] === '') return false;
    } else if (part !== path[i]) return false;
  }
  return true;
}

/** Whether `path` (without variable segments) is, or could be read as, the path of a route of the table or of `locals`. */
export function isRoutedPath(path: string, locals: readonly LocalRoute[]): boolean {
  const segments = path.split('/');
  return [...DECLARATIONS, ...locals].some((route) => matches(route.path.split('/'), segments));
}

/** Values of the `{name}` segments of `pattern` in a path that matches it, percent-decoded where that is possible. */
export function pathParams(pattern: string, path: string): Record<string, string> {
  const params: Record<string, string> = {};
  const segments = path.split('/');
  pattern.split('/').forEach((part, i) => {
    if (!part.startsWith('{')) return;
    const open = part.endsWith('...}');
    const raw = open ? segments.slice(i).join('/') : segments[i]!;
    params[part.slice(1, open ? -4 : -1)] = decode(raw);
  });
  return params;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
