/** Tells events that carry output from comments and from `[DONE]`, for counts and times of tokens. */

const LF = 0x0a;
const COLON = 0x3a;
const BRACKET_CLOSE = 0x5d;

/**
 * False for a piece of an event stream, `buf[start, end)`, that holds comments, `data: [DONE]` or blank lines and nothing else. Usually a
 * look at three bytes: an engine sends each event as a piece of its own.
 */
export function hasOutput(buf: Buffer, start: number, end: number): boolean {
  const first = buf[start];
  // The last byte of `data: [DONE]` before its empty line, which is two or four bytes long.
  if (first !== COLON && first !== LF && buf[end - 3] !== BRACKET_CLOSE && buf[end - 5] !== BRACKET_CLOSE) return true;
  const lines = buf.toString('latin1', start, end).split(/\r\n|\n|\r/);
  return lines.some((line) => line !== '' && !line.startsWith(':') && !/^data: ?\[DONE\]$/.test(line));
}
