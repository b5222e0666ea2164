/** Signals of the process: who is told, and how often. */

export type StopSignal = 'SIGINT' | 'SIGTERM';

/**
 * Calls `onSignal` for every SIGINT and SIGTERM with the number of signals so far (1 for the first). The process does
 * not end by itself any more. Returns a function that gives the signals back.
 */
export function watchSignals(onSignal: (signal: StopSignal, count: number) => void): () => void {
  let count = 0;
  const handler = (signal: NodeJS.Signals): void => onSignal(signal as StopSignal, ++count);
  process.on('SIGINT', handler);
  process.on('SIGTERM', handler);
  return () => {
    process.off('SIGINT', handler);
    process.off('SIGTERM', handler);
  };
}
