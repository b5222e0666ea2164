/** What no setting can say about itself alone. */
import { findPolicy } from '../policy/catalogue.ts';
import { checkLimits } from './limit-checks.ts';
import { checkPairs } from './pair-checks.ts';
import type { Problem } from './problem.ts';
import type { Config, ConfigKey } from './schema.ts';

export interface CrossChecks {
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/** `sourceOf`: where a key's value came from, for messages. */
export function crossCheck(config: Config, sourceOf: (key: ConfigKey) => string): CrossChecks {
  const problems: Problem[] = [];
  const warnings: string[] = [];

  const seen = new Map<string, number>();
  for (const [at, { url }] of config.workerUrls.entries()) {
    const first = seen.get(url);
    if (first === undefined) seen.set(url, at);
    else {
      const expected = `each worker once; numbers ${first + 1} and ${at + 1} are the same worker`;
      problems.push({ flag: '--worker-urls', value: url, expected, source: sourceOf('workerUrls') });
    }
  }
  problems.push(...checkTls(config, sourceOf));
  checkPairs(config, sourceOf, problems, warnings);
  warnings.push(...checkLimits(config, sourceOf));
  if (!config.pdDisaggregation && !config.dpAware && findPolicy(config.policy)?.choosesBetweenTwo && config.workerUrls.length < 2) {
    warnings.push(`--policy ${config.policy} chooses between two workers, and fewer are given; others can join later`);
  }
  if (config.port !== 0 && config.port === config.prometheusPort && overlap(config.host, config.prometheusHost)) {
    problems.push({
      flag: '--prometheus-port',
      value: String(config.prometheusPort),
      expected: 'another port than that of --port',
      source: sourceOf('prometheusPort'),
    });
  }
  const { healthCheckPort } = config;
  if (healthCheckPort !== null && healthCheckPort !== 0 && [config.port, config.prometheusPort].includes(healthCheckPort)) {
    problems.push({
      flag: '--health-check-port',
      value: String(healthCheckPort),
      expected: 'another port than those of --port and --prometheus-port',
      source: sourceOf('healthCheckPort'),
    });
  }
  if (config.upstreamKeepAliveSecs >= 5) {
    warnings.push('--upstream-keep-alive-secs is not below the 5 s after which SGLang closes idle connections');
  }
  if (config.forwardHeaders.includes('*') && config.forwardHeaders.length > 1) {
    warnings.push("--forward-headers holds '*', so its other names change nothing");
  }
  return { problems, warnings };
}

/** A certificate needs its key, and a key its certificate. */
function checkTls(config: Config, sourceOf: (key: ConfigKey) => string): Problem[] {
  const both = [
    { one: 'tlsCertPath', flag: '--tls-cert-path', other: 'tlsKeyPath', otherFlag: '--tls-key-path' },
    { one: 'clientCertPath', flag: '--client-cert-path', other: 'clientKeyPath', otherFlag: '--client-key-path' },
  ] as const;
  return both.flatMap(({ one, flag, other, otherFlag }) => {
    if ((config[one] === null) === (config[other] === null)) return [];
    const [given, missing, key] = config[other] === null ? [flag, otherFlag, one] : [otherFlag, flag, other];
    return [{ flag: given, value: config[key], expected: `to be given together with ${missing}`, source: sourceOf(key) }];
  });
}

/** Can both not listen on one port? Names are not looked up, so only equal ones count. */
function overlap(a: string, b: string): boolean {
  const everywhere = ['0.0.0.0', '::'];
  return a === b || everywhere.includes(a) || everywhere.includes(b);
}
