/**
 * Processes that outlived their step. SLURM ends the descendants of a task, by their control group or, where there are none
 * (proctrack/linuxproc), by following parents: then a daemon that left its parents is not found, and an engine that was killed leaves
 * its children with its GPUs. All of them carry the mark of the run in their environment.
 */
import { RUN_VARIABLE } from './proc.ts';

/** Lines of the script's output that tell of one begin so; the pid follows. */
const SWEPT_MARK = 'srtctl-swept';

/** A process may start another between being seen and being ended: again, until none is seen. Only POSIX shell, grep and tr. */
const SWEEP = `mark="${RUN_VARIABLE}=$1"
round=0
while [ $round -lt 10 ]; do
  found=
  for file in $(grep -lszxF "$mark" /proc/[0-9]*/environ 2>/dev/null); do
    pid=\${file#/proc/}
    pid=\${pid%/environ}
    words=$(tr '\\0' ' ' 2>/dev/null <"/proc/$pid/cmdline")
    kill -KILL "$pid" 2>/dev/null && [ -n "$words" ] && found=yes && echo "${SWEPT_MARK} $pid $words"
  done
  [ -n "$found" ] || exit 0
  round=$((round + 1))
done`;

const SHOWN_CHARS = 80;

/** argv that ends every process of this node that carries `mark`. */
export function sweepArgv(mark: string): string[] {
  return ['/bin/sh', '-c', SWEEP, 'srtctl', mark];
}

/** One sentence for each process that was ended, from the output of all nodes. */
export function readSwept(output: string): string[] {
  const swept = new Map<string, string>();
  for (const line of output.split('\n')) {
    const [, pid, words = ''] = /^srtctl-swept (\d+) (.*)$/.exec(line) ?? [];
    if (pid !== undefined) swept.set(pid, `pid ${pid} (${words.trim().slice(0, SHOWN_CHARS)}) had left its step and was killed`);
  }
  return [...swept.values()];
}
