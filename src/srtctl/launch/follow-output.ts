/** Reads what a process writes: into its log, and line by line to whoever listens. */
import type { LogFile } from './log-file.ts';
import { OutputLines } from './output-lines.ts';

export interface OutputSinks {
  /** Takes secrets out of a line. */
  readonly redact: (text: string) => string;
  readonly log: LogFile;
  /** A clean line. False: it does not belong into the log. */
  readonly onLine: (line: string) => boolean;
}

/** Resolves at the end of the output. A log that is slower than the process makes the process wait. */
export function followOutput(output: NodeJS.ReadableStream, { redact, log, onLine }: OutputSinks): Promise<void> {
  let room = true;
  const lines = new OutputLines((line) => {
    const clean = redact(line);
    if (onLine(clean)) room = log.write(clean) && room;
  });
  output.on('data', (bytes: Buffer) => {
    lines.push(bytes);
    if (room) return;
    output.pause();
    void log.settled().then(() => {
      room = true;
      output.resume();
    });
  });
  output.on('error', () => {});
  return new Promise((resolve) => {
    output.on('close', () => {
      lines.end();
      resolve();
    });
  });
}
