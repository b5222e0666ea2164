/** Names of fields whose values never reach a log, at the top of a record and one and two levels below. */

const SECRET_NAMES = [
  'authorization',
  'Authorization',
  'proxy-authorization',
  'x-api-key',
  'api-key',
  'apiKey',
  'api_key',
  'apiKeys',
  'api_keys',
  'cookie',
  'set-cookie',
  'password',
  'token',
];

/** Paths as pino takes them; `*` stands for any name. */
export const REDACTED_PATHS: string[] = SECRET_NAMES.flatMap((name) => {
  const segment = /^\w+$/.test(name) ? `.${name}` : `["${name}"]`;
  const top = segment.startsWith('.') ? segment.slice(1) : segment;
  return [top, `*${segment}`, `*.*${segment}`];
});
