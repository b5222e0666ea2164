/** All settings by flag, environment variable and file key: those that work and those that are only known. */

import type { Setting } from '../setting/setting.ts';
import { KNOWN_ROUTING } from './known-routing.ts';
import { KNOWN_SERVING } from './known-serving.ts';
import type { KnownSetting } from './known-setting.ts';
import { KNOWN_SMG } from './known-smg.ts';
import { META_SETTINGS, SETTINGS } from './schema.ts';

export const ENVIRONMENT_PREFIX = 'SGLANG_ROUTER_';

export interface Entry {
  /** As in Config: camelCase. */
  readonly key: string;
  /** `--worker-urls`. */
  readonly flag: string;
  /** As in a file: `worker-urls`; `worker_urls` is taken as well. */
  readonly fileKey: string;
  /** `SGLANG_ROUTER_WORKER_URLS`. */
  readonly variable: string;
  readonly setting: Setting<unknown> | KnownSetting;
  /** Speaks about the command line itself. */
  readonly meta: boolean;
}

function entriesOf(settings: Readonly<Record<string, Setting<unknown> | KnownSetting>>, meta: boolean): Entry[] {
  return Object.entries(settings).map(([key, setting]) => {
    const fileKey = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const variable = ENVIRONMENT_PREFIX + fileKey.toUpperCase().replaceAll('-', '_');
    return { key, flag: `--${fileKey}`, fileKey, variable, setting, meta };
  });
}

export const BUILT: readonly Entry[] = [...entriesOf(SETTINGS, false), ...entriesOf(META_SETTINGS, true)];
/** What a configuration holds. */
export const SETTING_ENTRIES: readonly Entry[] = BUILT.filter((entry) => !entry.meta);
const BUILT_KEYS = new Set(BUILT.map(({ key }) => key));
/** A known setting that works by now is no longer listed here. */
export const KNOWN: readonly Entry[] = [
  ...entriesOf(KNOWN_ROUTING, false),
  ...entriesOf(KNOWN_SERVING, false),
  ...entriesOf(KNOWN_SMG, false),
].filter(({ key }) => !BUILT_KEYS.has(key));
export const ENTRIES: readonly Entry[] = [...BUILT, ...KNOWN];

/** What a flag on the command line stands for. */
export interface FlagMeaning {
  readonly flag: string;
  readonly entry: Entry;
  /** Set for a switch that stands for this value of the entry. */
  readonly value: string | null;
}

function meaningsOf(entry: Entry): FlagMeaning[] {
  const aliases = entry.setting.aliases ?? [];
  return [
    { flag: entry.flag, entry, value: null },
    ...aliases.map((alias): FlagMeaning => ({ flag: alias.flag, entry, value: alias.value ?? null })),
  ];
}

export const FLAGS: ReadonlyMap<string, FlagMeaning> = new Map(
  ENTRIES.flatMap(meaningsOf).map((meaning) => [meaning.flag, meaning] as const),
);

/** File keys with `-`, including those of aliases that only rename. */
export const FILE_KEYS: ReadonlyMap<string, Entry> = new Map(
  [...FLAGS.values()].filter(({ value, entry }) => value === null && !entry.meta).map(({ flag, entry }) => [flag.slice(2), entry] as const),
);

export const VARIABLES: ReadonlyMap<string, Entry> = new Map(
  ENTRIES.filter((entry) => entry.key !== 'checkConfig').map((entry) => [entry.variable, entry] as const),
);
