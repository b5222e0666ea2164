/** Known flags of sglang_router 0.3.2 about tokens, history, keys, TLS and traces. */

import { texts } from '../setting/list-shape.ts';
import { choice, int, text, toggle } from '../setting/shape.ts';
import { knownOf } from './known-setting.ts';

const ANY = Number.MAX_SAFE_INTEGER;
const COUNT = { min: 0, max: ANY };

const tokens = knownOf('0.3.2', { name: 'tokenizing in the router is' });
const tools = knownOf('0.3.2', { name: 'parsing of model output in the router is' });
// There these serve gRPC workers alone, so that nobody with HTTP workers misses anything.
const BY_ENGINE = {
  noEffect: 'has no effect: workers that speak HTTP tokenize, apply the chat template and parse their output themselves',
};
const mcp = knownOf('0.3.2', { name: 'MCP is' });
const backend = knownOf('0.3.2', { name: 'a backend other than sglang is' });
const history = knownOf('0.3.2', { name: 'history of responses and conversations in the router is' });
const workerTls = knownOf('0.3.2', {
  name: 'client certificates and own CAs for workers are',
  instead: 'use http:// or publicly trusted https:// workers',
});
const tls = knownOf('0.3.2', { name: 'TLS for clients is', instead: 'end TLS in front of the router' });
const traces = knownOf('0.3.2', { name: 'OpenTelemetry tracing is' });
const keys = knownOf('0.3.2', { name: 'keys for clients and workers are', instead: 'guard the router by what stands in front of it' });

export const KNOWN_SERVING = {
  modelPath: tokens(text('PATH'), BY_ENGINE),
  tokenizerPath: tokens(text('PATH'), BY_ENGINE),
  chatTemplate: tokens(text('PATH'), BY_ENGINE),
  tokenizerCacheEnableL0: tokens(toggle(), BY_ENGINE),
  tokenizerCacheL0MaxEntries: tokens(int('COUNT', COUNT), { default: 10_000, ...BY_ENGINE }),
  tokenizerCacheEnableL1: tokens(toggle(), BY_ENGINE),
  tokenizerCacheL1MaxMemory: tokens(int('BYTES', COUNT), { default: 50 * 1024 * 1024, ...BY_ENGINE }),
  reasoningParser: tools(text('PARSER'), BY_ENGINE),
  toolCallParser: tools(text('PARSER'), BY_ENGINE),
  mcpConfigPath: mcp(text('PATH')),

  backend: backend(choice('BACKEND', ['sglang', 'openai', 'vllm', 'trtllm', 'tokenspeed', 'anthropic', 'gemini']), {
    default: 'sglang',
    aliases: [{ flag: '--runtime' }],
  }),
  historyBackend: history(choice('BACKEND', ['memory', 'none', 'oracle', 'postgres', 'redis']), { default: 'memory', accepted: ['none'] }),
  oracleWalletPath: history(text('PATH')),
  oracleTnsAlias: history(text('ALIAS')),
  oracleConnectDescriptor: history(text('DESCRIPTOR'), { secret: true, aliases: [{ flag: '--oracle-dsn' }] }),
  oracleUsername: history(text('NAME'), { aliases: [{ flag: '--oracle-user' }] }),
  oraclePassword: history(text('PASSWORD'), { secret: true }),
  oraclePoolMin: history(int('COUNT', COUNT), { default: 1 }),
  oraclePoolMax: history(int('COUNT', COUNT), { default: 16 }),
  oraclePoolTimeoutSecs: history(int('SECONDS', COUNT), { default: 30 }),
  postgresDbUrl: history(text('URL'), { secret: true }),
  postgresPoolMax: history(int('COUNT', COUNT), { default: 16, aliases: [{ flag: '--postgres-pool-max-size' }] }),
  redisUrl: history(text('URL'), { secret: true }),
  redisPoolMax: history(int('COUNT', COUNT), { default: 16, aliases: [{ flag: '--redis-pool-max-size' }] }),
  redisRetentionDays: history(int('DAYS', { min: -1, max: ANY }), { default: 30 }),

  clientCertPath: workerTls(text('PATH')),
  clientKeyPath: workerTls(text('PATH')),
  caCertPaths: workerTls(texts('PATHS', 'the path of a file')),
  tlsCertPath: tls(text('PATH')),
  tlsKeyPath: tls(text('PATH')),

  enableTrace: traces(toggle()),
  otlpTracesEndpoint: traces(text('HOST:PORT'), { default: 'localhost:4317' }),

  apiKey: keys(text('KEY'), { secret: true }),
  controlPlaneApiKeys: keys(
    texts('ID:NAME:ROLE:KEY', 'id:name:role:key with a role of admin or user', { pattern: /^[^:]+:[^:]+:(?:admin|user):.+$/ }),
    {
      secret: true,
    },
  ),
  controlPlaneAuditEnabled: keys(toggle()),
  jwtIssuer: keys(text('URL')),
  jwtAudience: keys(text('AUDIENCE')),
  jwtJwksUri: keys(text('URL')),
  jwtRoleMapping: keys(texts('IDP_ROLE=ROLE', 'idp_role=role', { pattern: /^[^=]+=.+$/ })),
};
