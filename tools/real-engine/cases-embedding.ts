/**
 * Requests to an engine that was started with --is-embedding. None of them generates: SGLang 0.5.23 tries to, fails in its
 * scheduler, and the engine dies.
 */

import { bare, type Case, type CaseContext, post } from './case.ts';

export function embeddingCases({ model, tag }: CaseContext): Case[] {
  const embed = (extra: object) => ({ model, input: `${tag} embed`, ...extra });
  return [
    post('embeddings', '/v1/embeddings', embed({})),
    post('embeddings: the same again, from the cache', '/v1/embeddings', embed({})),
    post('embeddings: list of two', '/v1/embeddings', embed({ input: [`${tag} one`, `${tag} two more`] })),
    post('embeddings: token ids', '/v1/embeddings', embed({ input: [65, 66, 67] })),
    post('embeddings: two lists of token ids', '/v1/embeddings', embed({ input: [[65, 66], [67]] })),
    post('embeddings: base64', '/v1/embeddings', embed({ encoding_format: 'base64' })),
    post('embeddings: dimensions that the model does not offer', '/v1/embeddings', embed({ dimensions: 8 })),
    post('embeddings: no model', '/v1/embeddings', { input: tag }),
    post('embeddings: a model that is not served', '/v1/embeddings', embed({ model: 'nope' })),
    post('embeddings: no input', '/v1/embeddings', { model }),
    post('embeddings: empty text', '/v1/embeddings', embed({ input: '' })),
    post('embeddings: empty list', '/v1/embeddings', embed({ input: [] })),
    post('embeddings: too long', '/v1/embeddings', embed({ input: 'x'.repeat(5000) })),
    post('embeddings: invalid JSON', '/v1/embeddings', Buffer.from('{"input": ')),
    bare('embeddings: GET', 'GET', '/v1/embeddings'),
    post('rerank', '/v1/rerank', { query: tag, documents: ['b', 'c'] }),
    post('rerank: without the documents', '/v1/rerank', { query: tag, documents: ['b', 'c'], return_documents: false }),
    post('rerank: the best one', '/v1/rerank', { query: tag, documents: ['b', 'c'], top_n: 1 }),
    post('rerank: no documents', '/v1/rerank', { query: tag, documents: [] }),
    post('rerank: no query', '/v1/rerank', { documents: ['b'] }),
    post('classify', '/v1/classify', { model, input: tag }),
    post('classify: list of two', '/v1/classify', { model, input: [`${tag} a`, `${tag} b`] }),
    post('classify: the native path', '/classify', { text: tag }),
    post('encode', '/encode', { text: tag }),
    post('encode: list of two', '/encode', { text: [`${tag} e`, `${tag} f`] }),
    bare('embedding: model info', 'GET', '/model_info'),
    bare('embedding: models', 'GET', '/v1/models'),
    bare('embedding: health', 'GET', '/health'),
    bare('embedding: ready', 'GET', '/ready'),
  ];
}
