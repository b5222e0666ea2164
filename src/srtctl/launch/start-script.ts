/** The words with which a planned process is started: preamble and steps first, where there are any, then its own argv. */
import type { PlannedProcess } from '../plan/plan.ts';

/** Status of a process whose preamble or step failed; no program is expected to use it. */
export const BEFORE_FAILED_STATUS = 125;
/** Lines that srtctl itself writes into a log begin so. */
export const OWN_LINE = 'srtctl: ';

/**
 * argv after binding. Without preamble and steps: as planned. Otherwise bash runs the preamble, then the steps in order, and replaces
 * itself by the process; the first failure is said in the log and ends it with BEFORE_FAILED_STATUS. `bind`: puts symbols in place.
 */
export function startArgv(process: PlannedProcess, preamble: string | null, bind: (text: string) => string): string[] {
  const argv = process.argv.map(bind);
  if (preamble === null && process.before.length === 0) return argv;
  const lines: string[] = [];
  if (preamble !== null) {
    lines.push(
      'set -eE',
      `trap 'srtctl_status=$?; echo "${OWN_LINE}the preamble failed with status $srtctl_status at: $BASH_COMMAND"; exit ${BEFORE_FAILED_STATUS}' ERR`,
      // Not bound: it is a text for the shell, and a symbol's value would have to be quoted in a way that depends on its place.
      preamble,
      'trap - ERR',
      'set +eE',
    );
  }
  for (const step of process.before) {
    const variables = Object.entries(step.env).map(([name, value]) => `${name}=${bind(value)}`);
    const stepArgv = variables.length === 0 ? step.argv : ['env', ...variables, ...step.argv];
    const words = stepArgv.map((word) => shellQuoted(bind(word))).join(' ');
    const directory = step.cwd === null ? '' : `cd -- ${shellQuoted(bind(step.cwd))} && `;
    lines.push(
      `echo ${shellQuoted(`${OWN_LINE}${step.what}`)}`,
      `( ${directory}${words} ) || { srtctl_status=$?; echo ${shellQuoted(`${OWN_LINE}${step.what} failed with status`)} $srtctl_status; exit ${BEFORE_FAILED_STATUS}; }`,
    );
  }
  lines.push('exec "$@"');
  return ['bash', '-c', lines.join('\n'), 'srtctl', ...argv];
}

/** One word for a POSIX shell, whatever is in it (a NUL cannot be in any argument). */
export function shellQuoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
