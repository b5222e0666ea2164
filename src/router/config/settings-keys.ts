/** Settings of keys and certificates: who may use the router, and who can listen. */

import { texts } from '../setting/list-shape.ts';
import { setting } from '../setting/setting.ts';
import { text, toggle } from '../setting/shape.ts';

export const KEYS = {
  apiKey: setting(text('KEY'), {
    group: 'keys',
    describe:
      'Key that requests must carry (Authorization: Bearer KEY, or x-api-key), and that the router sends to the workers of --worker-urls, --prefill and --decode',
    origin: '0.3.2',
    default: null,
    whenUnset: 'no key',
    secret: true,
  }),
  apiKeyFile: setting(text('FILE'), {
    group: 'keys',
    describe: 'File that holds the key of --api-key; blank lines and spaces around it do not count',
    origin: 'ours',
    default: null,
    whenUnset: 'no file',
  }),
  controlPlaneApiKeys: setting(
    texts('ID:NAME:ROLE:KEY', 'id:name:role:key with a role of admin or user', { pattern: /^[^:]+:[^:]+:(?:admin|user):.+$/ }),
    {
      group: 'keys',
      describe: 'Keys for the control API (/workers, /flush_cache, ...); only those with the role admin may use it',
      origin: '0.3.2',
      default: [],
      secret: true,
    },
  ),
  controlPlaneApiKeysFile: setting(text('FILE'), {
    group: 'keys',
    describe: 'File with keys for the control API, one ID:NAME:ROLE:KEY per line; lines that begin with # do not count',
    origin: 'ours',
    default: null,
    whenUnset: 'no file',
  }),
  controlPlaneAuditEnabled: setting(toggle(), {
    group: 'keys',
    describe: 'Write one log line for each request to the control API: who, what, result, request id',
    origin: '0.3.2',
    default: false,
  }),
  tlsCertPath: setting(text('FILE'), {
    group: 'keys',
    describe: 'Certificate of the router with its chain (PEM): the router speaks TLS on its port. A change of the file is noticed',
    origin: '0.3.2',
    default: null,
    whenUnset: 'no TLS',
  }),
  tlsKeyPath: setting(text('FILE'), {
    group: 'keys',
    describe: 'Private key of that certificate (PEM)',
    origin: '0.3.2',
    default: null,
    whenUnset: 'no TLS',
  }),
  clientCertPath: setting(text('FILE'), {
    group: 'keys',
    describe: 'Certificate with which the router identifies itself to https:// workers (PEM)',
    origin: '0.3.2',
    default: null,
    whenUnset: 'none',
  }),
  clientKeyPath: setting(text('FILE'), {
    group: 'keys',
    describe: 'Private key of that certificate (PEM)',
    origin: '0.3.2',
    default: null,
    whenUnset: 'none',
  }),
  caCertPaths: setting(texts('FILES', 'the path of a file'), {
    group: 'keys',
    describe: 'Certificate authorities (PEM) that may have signed the certificates of workers, beside those that Node.js knows',
    origin: '0.3.2',
    default: [],
  }),
};
