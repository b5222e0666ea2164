// What the Python API of sglang_router 0.3.2 adds to its command line: facts about that package which no flag can tell.

/** The version whose API and command line the Python package stands in for. */
export const COMPATIBLE_WITH = '0.3.2';

/** Fields of its RouterArgs, in order, under our names of flags. Positional arguments follow it. */
export const FIELD_ORDER = `
workerUrls host port miniLb pdDisaggregation prefill decode policy prefillPolicy decodePolicy workerStartupTimeoutSecs
workerStartupCheckInterval cacheThreshold balanceAbsThreshold balanceRelThreshold evictionIntervalSecs maxTreeSize maxIdleSecs
assignmentMode maxPayloadSize bucketAdjustIntervalSecs dpAware enableIgw apiKey logDir logLevel serviceDiscovery selector
serviceDiscoveryPort serviceDiscoveryNamespace prefillSelector decodeSelector bootstrapPortAnnotation prometheusPort prometheusHost
prometheusDurationBuckets requestIdHeaders requestTimeoutSecs shutdownGracePeriodSecs maxConcurrentRequests queueSize queueTimeoutSecs
rateLimitTokensPerSecond corsAllowedOrigins retryMaxRetries retryInitialBackoffMs retryMaxBackoffMs retryBackoffMultiplier
retryJitterFactor disableRetries healthFailureThreshold healthSuccessThreshold healthCheckTimeoutSecs healthCheckIntervalSecs
healthCheckEndpoint disableHealthCheck cbFailureThreshold cbSuccessThreshold cbTimeoutDurationSecs cbWindowDurationSecs
disableCircuitBreaker modelPath tokenizerPath chatTemplate tokenizerCacheEnableL0 tokenizerCacheL0MaxEntries tokenizerCacheEnableL1
tokenizerCacheL1MaxMemory reasoningParser toolCallParser mcpConfigPath backend historyBackend oracleWalletPath oracleTnsAlias
oracleConnectDescriptor oracleUsername oraclePassword oraclePoolMin oraclePoolMax oraclePoolTimeoutSecs postgresDbUrl postgresPoolMax
redisUrl redisPoolMax redisRetentionDays clientCertPath clientKeyPath caCertPaths tlsCertPath tlsKeyPath enableTrace
otlpTracesEndpoint controlPlaneApiKeys controlPlaneAuditEnabled jwtIssuer jwtAudience jwtJwksUri jwtRoleMapping
`
  .trim()
  .split(/\s+/);

/** A field of RouterArgs that no flag sets, with its default. */
export const FIELDS_WITHOUT_FLAG = { bootstrapPortAnnotation: 'sglang.ai/bootstrap-port' };

/** Fields that are not named like their flags. */
export const FIELD_NAMES = {
  prefill: 'prefill_urls',
  decode: 'decode_urls',
  tlsCertPath: 'server_cert_path',
  tlsKeyPath: 'server_key_path',
};

/** Fields that are None unless set, although the flag has a default. */
export const NONE_BY_DEFAULT = ['logLevel', 'prometheusPort', 'prometheusHost', 'requestIdHeaders'];

/** What `name=value` items and keys become. */
export const FIELD_TYPES = {
  selector: 'Dict[str, str]',
  prefillSelector: 'Dict[str, str]',
  decodeSelector: 'Dict[str, str]',
  jwtRoleMapping: 'Dict[str, str]',
  prefill: 'List[Tuple[str, Optional[int]]]',
  controlPlaneApiKeys: 'List[Tuple[str, str, str, str]]',
};

/** Variables that its command line takes defaults from. */
export const ENVIRONMENT = {
  oracleWalletPath: 'ATP_WALLET_PATH',
  oracleTnsAlias: 'ATP_TNS_ALIAS',
  oracleConnectDescriptor: 'ATP_DSN',
  oracleUsername: 'ATP_USER',
  oraclePassword: 'ATP_PASSWORD',
  oraclePoolMin: 'ATP_POOL_MIN',
  oraclePoolMax: 'ATP_POOL_MAX',
  oraclePoolTimeoutSecs: 'ATP_POOL_TIMEOUT_SECS',
  postgresDbUrl: 'POSTGRES_DB_URL',
  postgresPoolMax: 'POSTGRES_POOL_MAX',
  redisUrl: 'REDIS_URL',
  redisPoolMax: 'REDIS_POOL_MAX',
  redisRetentionDays: 'REDIS_RETENTION_DAYS',
};
