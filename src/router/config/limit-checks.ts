/** What settings of limits must have to do with each other. */
import type { Config, ConfigKey } from './schema.ts';

/** Warnings. `sourceOf`: where the value of a setting came from. */
export function checkLimits(config: Config, sourceOf: (key: ConfigKey) => string): readonly string[] {
  const isGiven = (key: ConfigKey): boolean => sourceOf(key) !== 'default';
  const warnings: string[] = [];
  if (config.prioritySchedulerEnabled) {
    if (isGiven('queueSize'))
      warnings.push('--queue-size changes nothing with --priority-scheduler-enabled: each class has a queue of its own');
    if (isGiven('queueTimeoutSecs'))
      warnings.push('--queue-timeout-secs changes nothing with --priority-scheduler-enabled: each class has a time of its own');
    const ceiling = config.prioritySchedulerDefaultMaxClass;
    if (!isGiven('prioritySchedulerDefaultMaxClass'))
      warnings.push(
        `no request has a higher class than ${ceiling}, whatever its header field says: raise --priority-scheduler-default-max-class`,
      );
    return warnings;
  }
  for (const [key, flag] of [
    ['prioritySchedulerConfig', '--priority-scheduler-config'],
    ['prioritySchedulerDefaultMaxClass', '--priority-scheduler-default-max-class'],
  ] as const) {
    if (isGiven(key)) warnings.push(`${flag} changes nothing without --priority-scheduler-enabled`);
  }
  return warnings;
}
