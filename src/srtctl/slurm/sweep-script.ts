/**
 * Processes that outlived their step. SLURM ends the descendants of a task, by their control group or, where there are none
 * (proctrack/linuxproc), by following parents: then a daemon that left its parents is not found, and an engine that was killed leaves
 * its children with its GPUs. They are in the process group of the task that is gone, or carry the mark of the run in their environment.
 */
import { RUN_VARIABLE } from '../launch/proc.ts';

/** Lines of the script's output that tell of one begin so; the pid follows. */
const SWEPT_MARK = 'srtctl-swept';

/** A process may start another between being seen and being ended: again, until none is seen. Only POSIX shell, grep and tr. */
const SWEEP = `mark="${RUN_VARIABLE}=$1"
shift
for task in "$@"; do
  pid=\${task##*:}
  [ "$task" = "$SLURMD_NODENAME:$pid" ] || continue
  # A leader that lives is somebody else's, who got the number later.
  kill -0 "$pid" 2>/dev/null && continue
  kill -s KILL -- "-$pid" 2>/dev/null && echo "${SWEPT_MARK} $pid what was left of its process group"
done
round=0
while [ $round -lt 50 ]; do
  found=
  for file in $(grep -lszxF "$mark" /proc/[0-9]*/environ 2>/dev/null); do
    pid=\${file#/proc/}
    pid=\${pid%/environ}
    words=$(tr '\\0' ' ' 2>/dev/null <"/proc/$pid/cmdline")
    kill -KILL "$pid" 2>/dev/null || continue
    found=yes
    [ -z "$words" ] || echo "${SWEPT_MARK} $pid $words"
  done
  [ -n "$found" ] || exit 0
  round=$((round + 1))
done`;

const SHOWN_CHARS = 80;

export interface EndedTask {
  /** SLURM's name of its node. */
  readonly node: string;
  /** SLURM makes every task the leader of a process group. */
  readonly pid: number;
}

/** argv that ends every process of this node that carries `mark`, and what is left of the groups of `tasks`, all of which have ended. */
export function sweepArgv(mark: string, tasks: readonly EndedTask[]): string[] {
  return ['/bin/sh', '-c', SWEEP, 'srtctl', mark, ...tasks.map(({ node, pid }) => `${node}:${pid}`)];
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
