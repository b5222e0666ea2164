/** Logging as a parameter: the part of pino's interface that the router uses. The real one is built in `src/router/telemetry`. */
export interface Logger {
  /** `fields`: data by name, never prompts, keys or whole bodies; an error goes under `err`. `message`: constant, lower case. */
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const nothing = (): void => {};

/** Logs nothing: for tests and for parts that run without a log. */
export const SILENT_LOGGER: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
