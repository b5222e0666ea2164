/** A program with the router's handler of bugs and one bug: `throw` in a timer, `reject` without a handler, `log` that throws itself. */
import { SILENT_LOGGER } from '../../src/base/core/logger.ts';
import { endOnBug } from '../../src/bin/end-on-bug.ts';

const kind = process.argv[2];
const error = (fields: object, message: string): void => {
  if (kind === 'log') throw new Error('no log');
  const { err } = fields as { err: Error };
  process.stdout.write(`${message}: ${err.message}\n`);
};
endOnBug({ ...SILENT_LOGGER, error }, () => {});
// A program that still has something to do.
setInterval(() => {}, 1000);
if (kind === 'reject') void Promise.reject(new Error('rejected'));
else
  setTimeout(() => {
    throw new Error('thrown');
  });
