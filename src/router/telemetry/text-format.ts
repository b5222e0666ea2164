/** Prometheus' text exposition format 0.0.4. Source: prometheus.io/docs/instrumenting/exposition_formats. */
import type { Histogram } from '../../base/telemetry/cells.ts';

export const TEXT_FORMAT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export function familyHead(name: string, help: string, type: string): string {
  return `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`;
}

/** `a="b",c="d"` in the order of `names`. */
export function labelText(names: readonly string[], labels: Readonly<Record<string, string>>): string {
  return names.map((name) => `${name}="${escapeLabelValue(labels[name] ?? '')}"`).join(',');
}

/** Buckets (cumulative), sum and count of one series; '' before the first observation. */
export function histogramText(name: string, labels: string, histogram: Histogram): string {
  const { bounds, counts } = histogram;
  // Most histograms of a large fleet are empty in most scrapes.
  if (counts.every((count) => count === 0)) return '';
  const start = labels === '' ? `${name}_bucket{le="` : `${name}_bucket{${labels},le="`;
  const rest = labels === '' ? '' : `{${labels}}`;
  let text = '';
  let total = 0;
  for (let i = 0; i < bounds.length; i++) {
    total += counts[i]!;
    text += `${start}${bounds[i]!}"} ${total}\n`;
  }
  total += counts[bounds.length]!;
  return `${text}${start}+Inf"} ${total}\n${name}_sum${rest} ${numberText(histogram.sum)}\n${name}_count${rest} ${total}\n`;
}

export function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

function escapeLabelValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
