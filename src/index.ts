/** The public surface, for programs that start a router inside themselves. What is not named here may change at any time. */

export type { Clock, TimerHandle } from './base/core/clock.ts';
export { type Logger, SILENT_LOGGER } from './base/core/logger.ts';
export type { Rng } from './base/core/rng.ts';
export { realClock } from './base/runtime/clock.ts';
export { createRng } from './base/runtime/rng.ts';
export { type RouterRuntime, type RunningRouter, SettingError, startRouter } from './router/compose.ts';
export { type Config, formatProblems, loadConfig, type Problem } from './router/config/load-config.ts';
export { type Log, type LogOptions, startLog } from './router/telemetry/log.ts';
export { MetricsPortError } from './router/telemetry/metrics-server.ts';
