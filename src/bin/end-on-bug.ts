/** What becomes of the process when an exception or a rejection reaches nobody: one line in the log, and a status that is not 0. */
import type { Logger } from '../base/core/logger.ts';

/** A bug: what sysexits.h calls EX_SOFTWARE. */
const EXIT_BUG = 70;

/** Node raises a rejection that nobody handles as an uncaught exception. The process ends even when the log cannot be written. */
export function endOnBug(logger: Logger, flushSync: () => void): void {
  process.on('uncaughtException', (err) => {
    try {
      logger.error({ err }, 'bug: unexpected error, the router ends');
      flushSync();
    } finally {
      process.exit(EXIT_BUG);
    }
  });
}
