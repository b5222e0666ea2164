/** The public surface, for programs that start a router inside themselves. What is not named here may change at any time. */

export { type RouterRuntime, type RunningRouter, SettingError, startRouter } from './compose.ts';
export { type Config, formatProblems, loadConfig, type Problem } from './config/load-config.ts';
export type { Clock, TimerHandle } from './core/clock.ts';
export { type Logger, SILENT_LOGGER } from './core/logger.ts';
export type { Rng } from './core/rng.ts';
export { realClock } from './runtime/clock.ts';
export { createRng } from './runtime/rng.ts';
export { type Log, type LogOptions, startLog } from './telemetry/log.ts';
export { MetricsPortError } from './telemetry/metrics-server.ts';
