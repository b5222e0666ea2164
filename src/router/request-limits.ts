/** The limits on requests as one part: made from a configuration, changed by the next one. */
import type { FleetCell } from '../base/core/fleet.ts';
import type { Config } from './config/load-config.ts';
import { concurrencySettings, prioritySettings } from './part-settings.ts';
import { Concurrency } from './proxy/gate/concurrency.ts';
import type { Check } from './proxy/gate/gate.ts';
import type { LimiterParts } from './proxy/gate/limiter.ts';
import { Priority, type PrioritySettings } from './proxy/gate/priority.ts';
import type { RouterMetrics } from './telemetry/metrics.ts';
import type { SchedulerSeries } from './telemetry/scheduler-series.ts';

export interface RequestLimits {
  readonly check: Check;
  /** Whether requests have classes never changes. */
  configure(config: Config): void;
}

export function requestLimits(config: Config, fleet: FleetCell, metrics: RouterMetrics, parts: LimiterParts): RequestLimits {
  const classes = prioritySettings(config);
  return classes === null ? plainLimits(config, metrics, parts) : priorityClasses(classes, config, fleet, metrics, parts);
}

function plainLimits(config: Config, metrics: RouterMetrics, parts: LimiterParts): RequestLimits {
  let concurrency: Concurrency | null = null;
  const configure = (next: Config): void => {
    const settings = concurrencySettings(next);
    if (concurrency !== null) concurrency.configure(settings);
    else if (settings !== null) {
      const limits = new Concurrency(settings, metrics.admission(), parts);
      metrics.readFrom('admissionInUse', () => limits.inUse);
      metrics.readFrom('admissionQueue', () => limits.waiting);
      concurrency = limits;
    }
  };
  configure(config);
  return { check: (request) => (concurrency === null ? null : concurrency.check(request)), configure };
}

function priorityClasses(
  settings: PrioritySettings,
  { pdDisaggregation }: Config,
  fleet: FleetCell,
  metrics: RouterMetrics,
  parts: LimiterParts,
): RequestLimits {
  const series = metrics.scheduler();
  const priority = new Priority(settings, pdDisaggregation ? 'decode' : 'regular', fleet.current, series, parts);
  fleet.subscribe(priority);
  metrics.readFrom('schedulerSlots', () => priority.slots);
  readClasses(series, priority, settings);
  return {
    check: priority.check,
    configure: (next) => {
      const changed = prioritySettings(next);
      if (changed === null) return;
      priority.configure(changed, fleet.current);
      readClasses(series, priority, changed);
    },
  };
}

function readClasses(series: SchedulerSeries, priority: Priority, { classes }: PrioritySettings): void {
  for (const [rank, { name, queueSize }] of classes.entries()) {
    series.read(name, { inUse: () => priority.inUse(rank), waiting: () => priority.waiting(rank), queueSize });
  }
}
