/** Flags of routers and frontends that only the plan knows. */
export const OWNED_FLAGS: readonly string[] = [
  'host',
  'port',
  'http-host',
  'http-port',
  'pd-disaggregation',
  'prefill',
  'decode',
  'worker-urls',
  'namespace',
];
