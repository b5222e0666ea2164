/** What settings of prefill-decode pairs must have to do with each other and with the rest. */
import type { WorkerAddress } from '../../base/core/worker-address.ts';
import { findPolicy, serves } from '../policy/catalogue.ts';
import type { Problem } from './problem.ts';
import type { Config, ConfigKey } from './schema.ts';

type SourceOf = (key: ConfigKey) => string;

const POLICY_FLAGS = { prefillPolicy: '--prefill-policy', decodePolicy: '--decode-policy' } as const;

export function checkPairs(config: Config, sourceOf: SourceOf, problems: Problem[], warnings: string[]): void {
  if (config.pdDisaggregation) checkPairMode(config, sourceOf, problems, warnings);
  else checkRegularMode(config, sourceOf, problems, warnings);
}

function checkRegularMode(config: Config, sourceOf: SourceOf, problems: Problem[], warnings: string[]): void {
  const expected = '--pd-disaggregation beside it; without it all workers are regular ones and come with --worker-urls';
  for (const { address } of config.prefill) problems.push({ flag: '--prefill', value: address.url, expected, source: sourceOf('prefill') });
  for (const { url } of config.decode) problems.push({ flag: '--decode', value: url, expected, source: sourceOf('decode') });
  if (config.miniLb)
    problems.push({ flag: '--mini-lb', value: null, expected: '--pd-disaggregation beside it', source: sourceOf('miniLb') });
  for (const key of ['prefillPolicy', 'decodePolicy'] as const) {
    if (config[key] !== null) warnings.push(`${POLICY_FLAGS[key]} changes nothing without --pd-disaggregation`);
  }
}

function checkPairMode(config: Config, sourceOf: SourceOf, problems: Problem[], warnings: string[]): void {
  const prefill = config.prefill.map(({ address }) => address);
  if (config.workerUrls.length > 0) {
    problems.push({
      flag: '--worker-urls',
      value: config.workerUrls.map(({ url }) => url).join(','),
      expected: 'to be left out with --pd-disaggregation; name workers with --prefill and --decode',
      source: sourceOf('workerUrls'),
    });
  }
  // One worker is one of --prefill or one of --decode, once.
  const seen = new Map<string, string>();
  const take = (key: 'prefill' | 'decode', addresses: readonly WorkerAddress[]): void => {
    for (const [at, { url }] of addresses.entries()) {
      const place = `number ${at + 1} of --${key}`;
      const first = seen.get(url);
      if (first === undefined) seen.set(url, place);
      else {
        const expected = `each worker once; ${first} is the same worker`;
        problems.push({ flag: `--${key}`, value: url, expected, source: sourceOf(key) });
      }
    }
  };
  take('prefill', prefill);
  take('decode', config.decode);

  for (const [role, workers] of [['prefill', prefill] as const, ['decode', config.decode] as const]) {
    if (workers.length === 0)
      warnings.push(`no --${role} worker is given: requests are answered 503 until one joins through POST /workers`);
    const policy = config[`${role}Policy`] ?? config.policy;
    const known = findPolicy(policy);
    if (known !== undefined && config[`${role}Policy`] === null && !config.miniLb && !serves(known, role)) {
      const expected = `a policy for ${role} workers too, or ${POLICY_FLAGS[`${role}Policy`]} beside it (${policy} does not serve them)`;
      problems.push({ flag: '--policy', value: policy, expected, source: sourceOf('policy') });
    }
    if (!config.miniLb && !config.dpAware && known?.choosesBetweenTwo && workers.length < 2) {
      warnings.push(`${policy} chooses between two ${role} workers, and fewer are given; others can join later`);
    }
  }
  if (!config.miniLb) return;
  for (const key of ['policy', 'prefillPolicy', 'decodePolicy'] as const) {
    if (sourceOf(key) === 'default' || config[key] === 'random') continue;
    const flag = key === 'policy' ? '--policy' : POLICY_FLAGS[key];
    warnings.push(`${flag} ${config[key]} changes nothing beside --mini-lb, which chooses at random`);
  }
}
