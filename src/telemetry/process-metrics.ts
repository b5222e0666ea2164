/** Metrics of the process and of Node: memory, CPU, event loop lag, garbage collection, file descriptors. prom-client reads them. */
import { collectDefaultMetrics, type Registry } from 'prom-client';

/** These list every open handle by type at each scrape: work in proportion to the connections, for what smg_* gauges tell anyway. */
const LEFT_OUT = [
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
  'nodejs_active_resources',
  'nodejs_active_resources_total',
];

/** Milliseconds between two looks at the event loop: a timer in libuv, which does not keep the process alive. */
const EVENT_LOOP_PRECISION_MS = 20;

export function addProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS });
  for (const name of LEFT_OUT) registry.removeSingleMetric(name);
}
