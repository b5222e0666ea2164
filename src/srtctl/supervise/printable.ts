/** Lines of processes as they may be shown on a terminal: a log may hold anything, and the terminal must not obey it. Pure. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out.
const COLORS = /\u001b\[[0-9;]*m/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is escaped.
const CONTROLS = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]/g;

/** Colours are dropped, every other control character but the tab is written as `\x1b`. */
export function printable(text: string): string {
  return text.replace(COLORS, '').replace(CONTROLS, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`;
  });
}

const PROBED = String.raw`\/(?:health|liveness|workers|v1\/models|\.srtctl\/run)`;
/** Access records of engines (uvicorn) and of the bundled router about the probes of srtctl. */
const POLL = new RegExp(
  String.raw`"GET ${PROBED} HTTP\/1\.[01]" 200|"path":"${PROBED}"[^{}]*"status":200|"status":200[^{}]*"path":"${PROBED}"`,
);

/** Whether a line only says that srtctl asked and was answered: no last word of a process. */
export function isPoll(line: string): boolean {
  return POLL.test(line);
}
