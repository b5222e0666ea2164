/** One value that somebody gave for one setting, before it is judged; and the judging. */
import type { Entry } from './catalogue.ts';
import { judge } from './known-setting.ts';
import { type Problem, shown } from './problem.ts';

export type SourceKind = 'flag' | 'environment' | 'file' | 'default';

export interface GivenValue {
  readonly entry: Entry;
  /** Plain data, as JSON would hold it. */
  readonly plain: unknown;
  readonly kind: SourceKind;
  /** `command line`, `environment variable NAME`, `FILE:LINE:COLUMN`. */
  readonly source: string;
}

export type Judged =
  | { readonly ok: true; readonly value: unknown; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Checks shape and range, then whether the feature exists. */
export function judgeGiven({ entry, plain, source }: GivenValue): Judged {
  const { flag, setting } = entry;
  const isSecret = setting.secret === true;
  const parsed = setting.shape.schema.safeParse(plain);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue): Problem => {
      const at = issue.path[0];
      const value = typeof at === 'number' && Array.isArray(plain) ? plain[at] : plain;
      return { flag, value: isSecret ? null : shown(value), expected: issue.message, source };
    });
    return { ok: false, problems };
  }
  if (setting.built) return { ok: true, value: parsed.data, warnings: [] };
  const verdict = judge(setting, parsed.data);
  if (verdict.kind === 'refused') {
    // A switch has no value to show, and secrets are never shown.
    const value = isSecret || plain === true ? null : shown(plain);
    return { ok: false, problems: [{ flag, value, expected: verdict.expected, source }] };
  }
  const warnings = verdict.kind === 'warning' ? [`${flag} (${source}): ${verdict.message}`] : [];
  return { ok: true, value: parsed.data, warnings };
}
