/** Settings of prefill-decode pairs. */

import { bootstrapUrls, workerUrls } from '../setting/list-shape.ts';
import { setting } from '../setting/setting.ts';
import { float, toggle } from '../setting/shape.ts';
import { policyName } from './policy-name.ts';
import { MAX_SECONDS } from './settings-main.ts';

export const PAIRS = {
  pdDisaggregation: setting(toggle(), {
    group: 'pairs',
    describe: 'Send every request to a prefill worker and a decode worker, which pass its KV cache on between them',
    origin: '0.3.2',
    default: false,
  }),
  prefill: setting(bootstrapUrls('URL [PORT|none]'), {
    group: 'pairs',
    describe:
      'A prefill worker and the port of its bootstrap server, once for each worker; without a port, or with none, decode workers ' +
      'assume their own. In the environment and in a file: "URL PORT", separated by commas or as a list',
    origin: '0.3.2',
    default: [],
    reloadable: true,
  }),
  decode: setting(workerUrls('URL', 'each'), {
    group: 'pairs',
    describe: 'A decode worker, once for each',
    origin: '0.3.2',
    default: [],
    reloadable: true,
  }),
  prefillPolicy: setting(policyName('prefill'), {
    group: 'pairs',
    describe: 'How a prefill worker is chosen',
    origin: '0.3.2',
    default: null,
    whenUnset: 'the value of --policy',
    reloadable: true,
  }),
  decodePolicy: setting(policyName('decode'), {
    group: 'pairs',
    describe: 'How a decode worker is chosen',
    origin: '0.3.2',
    default: null,
    whenUnset: 'the value of --policy',
    reloadable: true,
  }),
  miniLb: setting(toggle(), {
    group: 'pairs',
    describe: 'Choose both workers of a pair at random, whatever the policies say',
    origin: '0.3.2',
    default: false,
    reloadable: true,
  }),
  streamStartSecs: setting(float('SECONDS', { min: 0, max: MAX_SECONDS }), {
    group: 'pairs',
    describe:
      'Time from the whole request after which a stream begins with the head and the comments of decode, though no event has arrived. Until ' +
      'then another pair can be tried. The default is half of the 60 s after which proxies usually close a silent connection, and more ' +
      'than the 14 s after which decode reports that it cannot reach prefill',
    origin: 'ours',
    default: 30,
    unit: 'seconds',
  }),
  pdBootstrapTimeoutSecs: setting(float('SECONDS', { min: 0, max: MAX_SECONDS }), {
    group: 'pairs',
    describe:
      'Time from the sending of a pair to the end of prefill, and then to the first event of a stream; 0 for no limit. The default lets ' +
      'engines speak first, which give up after 300 s by themselves (SGLANG_DISAGGREGATION_BOOTSTRAP_TIMEOUT)',
    origin: 'ours',
    default: 330,
    unit: 'seconds',
    reloadable: true,
  }),
};
