/** The one schema: every setting that works, and the type of the configuration that follows from it. */
import { POLICY_SETTINGS } from '../policy/catalogue.ts';
import type { ValuesOf } from '../setting/setting.ts';
import type { PriorityClass } from './priority-classes.ts';
import { FAILURES } from './settings-failures.ts';
import { KEYS } from './settings-keys.ts';
import { LIMITS } from './settings-limits.ts';
import { CLIENTS, MAIN, META, REQUESTS } from './settings-main.ts';
import { PAIRS } from './settings-pairs.ts';
import { ROUTING, WORKERS } from './settings-routing.ts';
import { LOGS, METRICS } from './settings-watching.ts';

/** In the order of help and documents within each group. */
export const SETTINGS = {
  ...MAIN,
  ...POLICY_SETTINGS,
  ...ROUTING,
  ...PAIRS,
  ...REQUESTS,
  ...LIMITS,
  ...CLIENTS,
  ...KEYS,
  ...WORKERS,
  ...FAILURES,
  ...LOGS,
  ...METRICS,
};

/** Settings of the command line itself: a configuration never holds them. */
export const META_SETTINGS = META;

/** All settings in force, checked. Durations are in seconds, sizes in bytes; null where the schema says "unset". */
export interface Config extends ValuesOf<typeof SETTINGS> {
  /** Highest first: the defaults, and what the file of --priority-scheduler-config changes. */
  readonly priorityClasses: readonly PriorityClass[];
}

/** A setting. */
export type ConfigKey = keyof typeof SETTINGS;
