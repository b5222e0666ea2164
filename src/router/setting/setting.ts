/** How a setting is declared. Flags, help, environment, file, documents and JSON Schema are derived from the declarations. */
import type { Shape } from './shape.ts';

/** Whose defaults apply: those of the first version's binary, or those of `python -m sglang_router.launch_router`. */
export type Dialect = 'seed' | 'launch_router';

/** Where a setting comes from: the first version, sglang_router 0.3.2, smg (its successor), or this program. */
export type Origin = 'seed' | '0.3.2' | 'smg' | 'ours';

/** Headings of help and documents, in this order. */
export const GROUPS = {
  main: 'Options',
  routing: 'Routing',
  pairs: 'Prefill and decode on workers of their own',
  requests: 'Requests',
  limits: 'Limits',
  clients: 'Client connections',
  workers: 'Workers',
  failures: 'When workers fail',
  logs: 'Logs',
  metrics: 'Metrics',
  keys: 'Keys and TLS',
  other: 'Other',
} as const;
export type Group = keyof typeof GROUPS;

/** Another flag with the same effect. With `value` the flag is a switch that stands for that value. */
export interface FlagAlias {
  readonly flag: string;
  readonly value?: string;
}

export interface SettingSpec<D> {
  readonly group: Group;
  readonly describe: string;
  readonly origin: Origin;
  readonly default: D;
  /** Where the other dialect's default differs. */
  readonly launchRouterDefault?: D;
  /** The default is the value of this other setting, unless one is given. */
  readonly sameAs?: string;
  /** How people should read a default of null. */
  readonly whenUnset?: string;
  readonly unit?: 'seconds' | 'bytes';
  readonly aliases?: readonly FlagAlias[];
  /** Never shown: not in messages, not by --check-config, not in the title of the process. */
  readonly secret?: boolean;
  /** True if a reload may change it while requests run. */
  readonly reloadable?: boolean;
}

/** A setting that works. `T` is the type of its value in Config. */
export interface Setting<T> extends SettingSpec<T> {
  readonly built: true;
  readonly shape: Shape<unknown>;
}

export function setting<T>(shape: Shape<T>, spec: SettingSpec<NoInfer<T>>): Setting<T>;
/** A default of null means "unset", which nobody can give. */
export function setting<T>(shape: Shape<T>, spec: SettingSpec<null>): Setting<T | null>;
export function setting<T>(shape: Shape<T>, spec: SettingSpec<T>): Setting<T> {
  return { ...spec, built: true, shape };
}

export function defaultOf<T>(entry: Setting<T>, dialect: Dialect): T {
  return dialect === 'launch_router' && entry.launchRouterDefault !== undefined ? entry.launchRouterDefault : entry.default;
}

/** Settings by key: camelCase, as in a configuration; the key gives the flag, the variable and the key in a file. */
export type Settings = Readonly<Record<string, Setting<unknown>>>;

/** The values of settings, by the same keys. */
export type ValuesOf<S> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never };

export function defaultsOf<S extends Settings>(settings: S, dialect: Dialect): ValuesOf<S> {
  const values = Object.entries(settings).map(([key, entry]) => [key, defaultOf(entry, dialect)] as const);
  // One value per setting, of its type.
  return Object.fromEntries(values) as ValuesOf<S>;
}

/** The values of some settings out of an object that has them, such as a configuration. */
export function pickValues<S extends Settings>(settings: S, from: object): ValuesOf<S> {
  const picked = Object.keys(settings).map((key) => [key, Reflect.get(from, key)] as const);
  // `from` has been checked by the shapes of these settings.
  return Object.fromEntries(picked) as ValuesOf<S>;
}
