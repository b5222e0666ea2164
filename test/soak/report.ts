/** What a soak prints, and what it writes as JSON. */
import { RULES, type Rule } from './explain.ts';
import type { LaneReport } from './lane.ts';
import { WAYS } from './restarts.ts';
import { type SoakSettings, type Verdict, verdicts } from './soak.ts';

/** One line a rule, one column a router. */
export function table(reports: readonly LaneReport[]): string {
  const row = (name: string, cells: readonly (string | number)[], note = ''): string =>
    `${name.padEnd(22)}${cells.map((cell) => String(cell).padStart(10)).join('')}   ${note}`.trimEnd();
  const rules = Object.keys(RULES) as Rule[]; // Its keys, by its type.
  return [
    row(
      '',
      reports.map(({ name }) => name),
    ),
    row(
      'requests',
      reports.map(({ requests }) => requests),
    ),
    ...rules.map((rule) =>
      row(
        `  ${rule}`,
        reports.map(({ byRule }) => byRule.get(rule) ?? 0),
        RULES[rule],
      ),
    ),
    row(
      '  unexplained',
      reports.map(({ unexplainedCount }) => unexplainedCount),
    ),
    row(
      'faults',
      reports.map(({ faults }) => faults),
    ),
    row(
      'retries',
      reports.map(({ retries }) => retries),
    ),
    ...WAYS.map((way) =>
      row(
        `restarts: ${way}`,
        reports.map(({ restarts }) => restarts.filter((one) => one.way === way).length),
      ),
    ),
  ].join('\n');
}

export function verdictLines(report: LaneReport, settings: SoakSettings): readonly string[] {
  return verdicts(report, settings).map(({ isRight, text }: Verdict) => `${isRight ? 'ok  ' : 'FAIL'} ${report.name}: ${text}`);
}

export function json(reports: readonly LaneReport[], settings: SoakSettings): string {
  const lanes = reports.map((report) => ({
    ...report,
    byRule: Object.fromEntries(report.byRule),
    verdicts: verdicts(report, settings),
  }));
  return `${JSON.stringify({ settings, lanes }, null, 1)}\n`;
}
