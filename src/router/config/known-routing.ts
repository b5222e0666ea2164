/** Known flags of sglang_router 0.3.2 about routing, reliability and discovery. */

import { pairs } from '../setting/list-shape.ts';
import { choice, int, text, toggle } from '../setting/shape.ts';
import { knownOf } from './known-setting.ts';

const ANY = Number.MAX_SAFE_INTEGER;
const COUNT = { min: 0, max: ANY };

const manual = knownOf('0.3.2', { name: 'the policy manual is' });
const bucket = knownOf('0.3.2', { name: 'the policy bucket is' });
const igw = knownOf('0.3.2', { name: 'routing over several models is' });
const kubernetes = knownOf('0.3.2', { name: 'Kubernetes discovery is', instead: 'use --worker-urls or POST /workers' });
const eviction = knownOf('0.3.2', { name: 'eviction by interval is' });

export const KNOWN_ROUTING = {
  bucketAdjustIntervalSecs: bucket(int('SECONDS', COUNT), {
    default: 5,
    noEffect: 'has no effect: the bounds of bucket follow the last requests, not an interval',
  }),
  maxIdleSecs: manual(int('SECONDS', COUNT), { default: 4 * 3600 }),
  assignmentMode: manual(choice('MODE', ['random', 'min_load', 'min_group']), { default: 'random' }),
  evictionIntervalSecs: eviction(int('SECONDS', { min: 1, max: ANY }), {
    default: 60,
    noEffect: 'has no effect: the memory of prompts is kept within its size at every insertion, not at intervals',
    aliases: [{ flag: '--eviction-interval' }],
  }),
  // Programs set it to start without workers, which needs no flag here.
  enableIgw: igw(toggle(), {
    noEffect: 'has no effect: the router does not route by model, so all workers must serve the same model; run one router per model',
  }),

  serviceDiscovery: kubernetes(toggle()),
  selector: kubernetes(pairs('NAME=VALUE')),
  serviceDiscoveryPort: kubernetes(int('PORT', { min: 1, max: 65535 }), { default: 80 }),
  serviceDiscoveryNamespace: kubernetes(text('NAMESPACE')),
  prefillSelector: kubernetes(pairs('NAME=VALUE')),
  decodeSelector: kubernetes(pairs('NAME=VALUE')),
};
