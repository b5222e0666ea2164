/** Flags of other versions of the router whose feature does not exist here yet: known by name, type and choices, never ignored. */
import type { FlagAlias } from '../setting/setting.ts';
import type { Shape } from '../setting/shape.ts';

export interface KnownSetting {
  readonly built: false;
  readonly shape: Shape<unknown>;
  readonly origin: '0.3.2' | 'smg';
  /** The default there. */
  readonly default: unknown;
  /** What is missing, as the subject of "... not available in this version yet". */
  readonly feature: string;
  /** What happens without it. */
  readonly meanwhile?: string;
  /** Values that ask for nothing that this version does not do, besides a default that is `idle`. */
  readonly accepted: readonly unknown[];
  /**
   * What the default means: `idle`, the feature is off, so the value may be given; `active`, the feature works there, so the
   * value may be given but draws a warning.
   */
  readonly whenDefault: 'idle' | 'active';
  /** Every valid value may be given, with this warning. */
  readonly noEffect?: string;
  /** What to do instead. */
  readonly instead?: string;
  readonly aliases?: readonly FlagAlias[];
  /** Never shown. */
  readonly secret?: boolean;
}

export interface KnownSpec {
  readonly default?: unknown;
  readonly accepted?: readonly unknown[];
  readonly whenDefault?: 'idle' | 'active';
  readonly noEffect?: string;
  readonly instead?: string;
  readonly aliases?: readonly FlagAlias[];
  readonly secret?: boolean;
}

/** What the features are called in messages and documents, with what to do until they exist. */
export interface Feature {
  readonly name: string;
  readonly meanwhile?: string;
  readonly instead?: string;
}

/** A maker of known settings of one feature. Without a default in `spec`: false for switches, [] for lists, else null. */
export function knownOf(origin: '0.3.2' | 'smg', feature: Feature): (shape: Shape<unknown>, spec?: KnownSpec) => KnownSetting {
  return (shape, spec = {}) => ({
    built: false,
    shape,
    origin,
    feature: feature.name,
    default: shape.arity === 'none' ? false : shape.collects ? [] : null,
    accepted: [],
    whenDefault: 'idle',
    ...(feature.meanwhile === undefined ? {} : { meanwhile: feature.meanwhile }),
    ...(feature.instead === undefined ? {} : { instead: feature.instead }),
    ...spec,
  });
}

export type Verdict =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'warning'; readonly message: string }
  | { readonly kind: 'refused'; readonly expected: string };

/** May a value be given, although the feature does not exist? */
export function judge(setting: KnownSetting, value: unknown): Verdict {
  if (setting.noEffect !== undefined) return { kind: 'warning', message: setting.noEffect };
  if (setting.accepted.some((accepted) => isSame(accepted, value))) return { kind: 'accepted' };
  const meanwhile = setting.meanwhile === undefined ? '' : `: ${setting.meanwhile}`;
  const missing = `${setting.feature} not available in this version yet${meanwhile}`;
  if (isSame(setting.default, value)) {
    return setting.whenDefault === 'idle' ? { kind: 'accepted' } : { kind: 'warning', message: missing };
  }
  const from = setting.origin === 'smg' ? 'smg' : 'sglang_router 0.3.2';
  const instead = setting.instead === undefined ? '' : `; ${setting.instead}`;
  return { kind: 'refused', expected: `to be left out${harmlessText(setting)} (known from ${from}, but ${missing})${instead}` };
}

/** Values that may be given although they change nothing. */
function harmlessText({ accepted, whenDefault, default: standard }: KnownSetting): string {
  const values = [...(whenDefault === 'idle' ? [standard] : []), ...accepted];
  const shown = values.filter((value) => value !== null && typeof value !== 'boolean' && !Array.isArray(value));
  return shown.length === 0 ? '' : ` or to be ${shown.join(' or ')}`;
}

/** False if every valid value may be given. */
export function mayBeRefused({ shape, noEffect, accepted, default: standard }: KnownSetting): boolean {
  if (noEffect !== undefined) return false;
  return !(shape.arity === 'none' && [true, false].every((value) => standard === value || accepted.includes(value)));
}

function isSame(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, at) => isSame(item, b[at]));
  return a === b;
}
