/** The table of routes: path and method to handler. */
import type { SimOptions } from '../engine/options.ts';
import type { Methods, RouteHandler, RouteTable } from '../http/call.ts';
import { addFault, listFaults, removeFaults, stats } from './admin-routes.ts';
import { chatCompletions } from './chat-route.ts';
import { completions } from './completions-route.ts';
import { abortRequest, continueGeneration, flushCache, pauseGeneration, root } from './control-routes.ts';
import { classifyV1, embeddings, encodeText, rerank } from './embedding-routes.ts';
import { generate } from './generate-route.ts';
import { health, ping, ready } from './health-routes.ts';
import { listModels, modelInfo, oneModel, serverInfo } from './info-routes.ts';
import { loads, oldLoad } from './loads-route.ts';
import { countTokens, messages } from './messages-route.ts';
import { metrics } from './metrics-route.ts';
import { responses, storedResponse } from './responses-route.ts';
import { docsPage, ollamaChat, openApiText, parseFunctionCall, score } from './side-routes.ts';
import { detokenize, tokenize } from './tokenize-routes.ts';

export class Routes implements RouteTable {
  readonly #exact = new Map<string, Methods>();

  constructor(options: SimOptions) {
    const add = (methods: readonly string[], handler: RouteHandler, ...paths: readonly string[]): void => {
      for (const path of paths)
        this.#exact.set(path, { ...this.#exact.get(path), ...Object.fromEntries(methods.map((method) => [method, handler])) });
    };
    add(['POST', 'PUT'], generate, '/generate');
    add(['POST'], chatCompletions, '/v1/chat/completions');
    add(['POST'], completions, '/v1/completions');
    add(['POST'], embeddings, '/v1/embeddings');
    add(['POST', 'PUT'], rerank, '/v1/rerank');
    add(['POST'], classifyV1, '/v1/classify');
    add(['POST', 'PUT'], encodeText, '/encode', '/classify');
    add(['POST'], responses, '/v1/responses');
    add(['POST'], messages, '/v1/messages');
    add(['POST'], countTokens, '/v1/messages/count_tokens');
    add(['POST'], score, '/v1/score');
    add(['POST'], parseFunctionCall, '/parse_function_call');
    add(['POST'], ollamaChat, '/api/chat');
    add(['GET'], docsPage, '/docs');
    add(
      ['GET'],
      ({ answer }) => answer.json(200, openApiText([...this.#exact].map(([path, known]) => [path, Object.keys(known)]))),
      '/openapi.json',
    );
    add(['POST'], tokenize, '/v1/tokenize', '/tokenize');
    add(['POST'], detokenize, '/v1/detokenize', '/detokenize');
    add(['GET'], listModels, '/v1/models');
    add(['GET'], health, '/health', '/health_generate');
    add(['GET'], ready, '/ready');
    add(['GET'], ping, '/ping');
    add(['GET'], root, '/');
    add(['GET', 'POST'], flushCache, '/flush_cache');
    add(['POST'], abortRequest, '/abort_request');
    add(['POST'], pauseGeneration, '/pause_generation');
    add(['POST'], continueGeneration, '/continue_generation');
    if (!options.disableModelInfo) {
      add(['GET'], modelInfo, '/get_model_info', '/model_info');
      add(['GET'], serverInfo, '/get_server_info', '/server_info');
    }
    if (!options.disableLoads) add(['GET'], loads, '/v1/loads');
    if (options.enableGetLoad) add(['GET'], oldLoad, '/get_load');
    if (!options.disableMetrics) add(['GET'], metrics, '/metrics', '/metrics/');
    if (!options.disableAdmin) {
      add(['GET'], listFaults, '/sim/faults');
      add(['POST'], addFault, '/sim/faults');
      add(['DELETE'], removeFaults, '/sim/faults');
      add(['GET'], stats, '/sim/stats');
    }
  }

  find(path: string): Methods | null {
    const exact = this.#exact.get(path);
    if (exact !== undefined) return exact;
    if (path.startsWith('/v1/models/')) return { GET: oneModel };
    if (/^\/v1\/responses\/[^/]+$/.test(path)) return { GET: storedResponse };
    return /^\/v1\/responses\/[^/]+\/cancel$/.test(path) ? { POST: storedResponse } : null;
  }
}
