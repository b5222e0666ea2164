/** What differs between two configurations, and whether a reload may change it. */
import { SETTING_ENTRIES } from './catalogue.ts';
import { plainValue } from './load-config.ts';
import { type Problem, shown } from './problem.ts';
import type { Config, ConfigKey } from './schema.ts';

export interface ConfigChanges {
  /** Flags whose value differs. */
  readonly changed: readonly string[];
  /** Those of them that only a restart changes. */
  readonly refused: readonly Problem[];
}

/** `placeOf`: where the value in `after` came from. */
export function findChanges(before: Config, after: Config, placeOf: (key: ConfigKey) => string): ConfigChanges {
  const changed: string[] = [];
  const refused: Problem[] = [];
  for (const { key, flag, setting } of SETTING_ENTRIES) {
    const name = key as ConfigKey; // Entries of settings have the keys of Config.
    const [old, now] = [textOf(before, name), textOf(after, name)];
    if (old === now) continue;
    changed.push(flag);
    if (setting.built && setting.reloadable === true) continue;
    const isSecret = setting.secret === true;
    const expected = `${isSecret ? 'the value' : shown(plainValue(before, name))} as at the start: only a restart changes it`;
    refused.push({ flag, value: isSecret ? null : shown(plainValue(after, name)), expected, source: placeOf(name) });
  }
  return { changed, refused };
}

/** The classes are what counts of the file of classes, wherever it is. */
function textOf(config: Config, key: ConfigKey): string {
  const value = plainValue(config, key);
  return JSON.stringify(key === 'prioritySchedulerConfig' ? [value, config.priorityClasses] : value) ?? '';
}
