/** Known flags of smg, the successor of sglang_router, that sglang_router 0.3.2 does not have. */

import { bootstrapUrls, pairs, texts } from '../setting/list-shape.ts';
import { choice, float, int, text, toggle } from '../setting/shape.ts';
import { knownOf } from './known-setting.ts';

const ANY = Number.MAX_SAFE_INTEGER;
const COUNT = { min: 0, max: ANY };
const SHARE = { min: 0, max: 1 };

const encode = knownOf('smg', { name: 'encode workers are' });
const leastLoad = knownOf('smg', { name: 'the policy least_load is' });
const usage = knownOf('smg', { name: 'routing by reported token usage is' });
const sticky = knownOf('smg', { name: 'routing by key is' });
const prefixHash = knownOf('smg', { name: 'the policy prefix_hash is' });
const startup = knownOf('smg', { name: 'control over checks of workers at this level is' });
const media = knownOf('smg', { name: 'transport of multimodal tensors is' });
const names = knownOf('smg', { name: 'renaming of models is' });
const mesh = knownOf('smg', { name: 'a mesh of routers is' });
const wasm = knownOf('smg', { name: 'WebAssembly extension is' });
const history = knownOf('smg', { name: 'history of responses and conversations in the router is' });
const tenants = knownOf('smg', { name: 'tenants are' });
const tokens = knownOf('smg', { name: 'tokenizing in the router is' });
const other = knownOf('smg', { name: 'what it stands for is' });

export const KNOWN_SMG = {
  routerDisableArgFallback: other(toggle(), { accepted: [true] }),
  epdDisaggregation: encode(toggle()),
  encode: encode(bootstrapUrls('URL [PORT]')),
  encodePolicy: encode(choice('POLICY', ['random', 'round_robin', 'consistent_hashing'])),
  encodeSelector: encode(pairs('NAME=VALUE')),
  leastLoadKvPressureWeight: leastLoad(float('SECONDS', COUNT), { default: 0.15 }),
  leastLoadDefaultThroughput: leastLoad(float('RATE', COUNT), { default: 2000 }),
  leastLoadMeanPrefillTokens: leastLoad(int('TOKENS', COUNT), { default: 1024 }),
  balanceTokenUsageThreshold: usage(float('SHARE', SHARE), { default: 1 }),
  overloadTokenUsageThreshold: usage(float('SHARE', SHARE), { default: 1 }),
  loadMonitorInterval: usage(int('SECONDS', COUNT), { default: 10 }),
  blockSize: usage(int('TOKENS', COUNT), { default: 16 }),
  kvIndexerUrl: usage(text('URL')),
  dpMinimumTokensScheduler: usage(toggle()),
  routingKeyOverride: sticky(toggle()),
  prefixTokenCount: prefixHash(int('TOKENS', COUNT), { default: 256 }),
  prefixHashLoadFactor: prefixHash(float('FACTOR', COUNT), { default: 1.25 }),
  workerStartupDelay: startup(int('SECONDS', COUNT), {
    default: 0,
    noEffect: 'has no effect: a worker is probed from its registration on, and used as soon as a probe passes',
  }),
  removeUnhealthyWorkers: startup(toggle()),
  drainSettleSecs: startup(int('SECONDS', COUNT), { default: 5 }),
  multimodalTensorTransport: media(choice('TRANSPORT', ['inline', 'shm', 'auto', 'rdma'])),
  multimodalShmMinBytes: media(int('BYTES', COUNT)),
  modelIdFrom: names(text('SOURCE')),
  modelAlias: names(pairs('ALIAS=MODEL', 'each')),
  disableTokenizerAutoload: tokens(toggle(), { accepted: [true] }),
  storageContextHeaders: history(pairs('HEADER=KEY', 'any')),
  storageHookWasmPath: wasm(text('PATH')),
  enableWasm: wasm(toggle()),
  oracleExternalAuth: history(toggle()),
  schemaConfig: history(text('PATH')),
  enableMesh: mesh(toggle()),
  meshServerName: mesh(text('NAME')),
  meshHost: mesh(text('HOST'), { default: '0.0.0.0' }),
  meshAdvertiseHost: mesh(text('HOST')),
  meshPort: mesh(int('PORT', { min: 1, max: 65535 }), { default: 39_527 }),
  meshPeerUrls: mesh(texts('HOST:PORT', 'host:port')),
  routerSelector: mesh(pairs('NAME=VALUE')),
  engineMetrics: other(toggle()),
  tenantHeaderName: tenants(text('NAME'), { default: 'x-smg-tenant-id' }),
  trustTenantHeader: tenants(toggle()),
  tenantApiKey: tenants(texts('TENANT:KEY', 'tenant:key', { arity: 'each', pattern: /^[^:]+:.+$/ }), { secret: true }),
  tenantRateLimitEnabled: tenants(toggle()),
  tenantRateLimitConfig: tenants(text('PATH')),
  prioritySchedulerTenantMetricTopN: tenants(int('COUNT', COUNT), { default: 32 }),
  jwtRoleClaim: knownOf('smg', { name: 'keys for clients are' })(text('CLAIM'), { default: 'roles' }),
  disableAuditLogging: knownOf('smg', { name: 'audit logs are' })(toggle(), { accepted: [true] }),
  webrtcBindAddr: other(text('ADDRESS')),
  webrtcStunServer: other(text('ADDRESS')),
  runtimeWorkerThreads: other(int('COUNT', COUNT)),
};
