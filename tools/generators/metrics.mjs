// docs/metrics.md from the declarations of the metrics.
import { metricsPage } from '../../dist/router/telemetry/metrics-page.js';

export function outputs() {
  return [{ file: 'docs/metrics.md', text: metricsPage() }];
}
