/** The log: pino makes the records, two bounded writers take them: the console, and a file per day if asked for. */
import { isatty } from 'node:tty';
import { type DestinationStream, pino } from 'pino';
import pretty from 'pino-pretty';
import type { Clock } from '../../base/core/clock.ts';
import type { Logger } from '../../base/core/logger.ts';
import { LineWriter } from '../../base/telemetry/line-writer.ts';
import { DailyFile, type DailyFileTrouble } from './daily-file.ts';
import { REDACTED_PATHS } from './redaction.ts';

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** `auto`: pretty on a terminal, JSON otherwise. Files are always JSON. */
  readonly format: 'auto' | 'pretty' | 'json';
  /** Where the daily files go; made if missing. Null: no files. */
  readonly directory: string | null;
  /** File descriptor of the console. Default 1 (standard output). */
  readonly consoleFd?: number;
}

export interface Log {
  readonly logger: Logger;
  /** Lines lost because a reader or a disk was too slow, full or gone. */
  droppedLines(): number;
  /** Least important kind of message that is logged from now on. */
  setLevel(level: LogOptions['level']): void;
  /** At the very end, or in a handler of a crash: writes what waits, without waiting for anybody. */
  flushSync(): void;
  /** Resolves when all is written, after a second at the latest. */
  stop(): Promise<void>;
}

/** First part of the names of the daily files. */
export const LOG_FILE_PREFIX = 'sglang-router';
const STOP_LIMIT_MS = 1000;

export function startLog(options: LogOptions, clock: Clock): Log {
  const consoleFd = options.consoleFd ?? 1;
  // Nobody could read a report about the console; the number of dropped lines tells.
  const console = new LineWriter(clock, () => {});
  console.attach(consoleFd);
  const isTerminal = isatty(consoleFd);
  const isPretty = options.format === 'pretty' || (options.format === 'auto' && isTerminal);
  const format = isPretty ? pretty.prettyFactory(prettyOptions(isTerminal)) : (line: string) => line;

  const fileTrouble = ({ file, error }: DailyFileTrouble): void =>
    logger.warn({ file, err: error }, 'log file cannot be written, its lines are lost until it can');
  const files = options.directory === null ? null : new DailyFile(options.directory, LOG_FILE_PREFIX, clock, fileTrouble);
  const destination: DestinationStream = {
    write: (line) => {
      console.write(format(line));
      files?.write(line);
    },
  };
  const logger = pino(
    {
      level: options.level,
      base: { pid: process.pid },
      timestamp: () => `,"time":"${new Date(clock.wallMs()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
    },
    destination,
  );

  const flushSync = (): void => {
    files?.flushSync();
    console.flushSync();
  };
  return {
    logger,
    setLevel: (level) => {
      logger.level = level;
    },
    droppedLines: () => console.droppedLines + (files?.droppedLines ?? 0),
    flushSync,
    stop: async () => {
      const written = Promise.all([console.idle(), files?.idle()]);
      await Promise.race([written, new Promise<void>((resolve) => void clock.after(STOP_LIMIT_MS, resolve))]);
      flushSync();
    },
  };
}

function prettyOptions(colorize: boolean): pretty.PrettyOptions {
  return { colorize, translateTime: 'SYS:yyyy-mm-dd HH:MM:ss.l', ignore: 'pid', singleLine: true };
}
