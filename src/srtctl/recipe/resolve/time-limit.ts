/** Time limits as SLURM writes them. Source: sbatch(1), --time. */

const UNLIMITED = /^(infinite|unlimited)$/i;

/** Seconds of `MM`, `MM:SS`, `HH:MM:SS`, `D-HH`, `D-HH:MM`, `D-HH:MM:SS`; Infinity for UNLIMITED; null: none of these. */
export function timeLimitSeconds(text: string): number | null {
  if (UNLIMITED.test(text)) return Number.POSITIVE_INFINITY;
  const match = /^(?:(\d{1,5})-)?(\d{1,8})(?::(\d{1,2}))?(?::(\d{1,2}))?$/.exec(text);
  if (match === null) return null;
  const [first, second, third] = match.slice(2).map((part) => (part === undefined ? null : Number(part))) as [
    number,
    number | null,
    number | null,
  ];
  if (match[1] !== undefined) return Number(match[1]) * 86_400 + first * 3600 + (second ?? 0) * 60 + (third ?? 0);
  if (second === null) return first * 60;
  return third === null ? first * 60 + second : first * 3600 + second * 60 + third;
}
