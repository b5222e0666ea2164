/**
 * The last line against orphans: one small shell outside of our session that knows the process groups of a run and holds one end of a
 * pipe. When the other end closes without a farewell (the supervisor was killed), it ends the groups, and what left its group.
 *
 *   supervisor ── "add PGID" / "remove PGID" / "leave" ──► guard
 *        └─ dies: end of file ──► TERM to all groups ─ up to 2 s ─► KILL to groups and to everything with the mark of the run
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { RUN_VARIABLE } from '../launch/proc.ts';

/**
 * KEEPER_MARK: mark of the run; KEEPER_LOG: where to say what was done; KEEPER_REMOVES_0 and so on: directories to remove. Only POSIX shell, grep, rm, sleep.
 * It stands in the environment, since a command line is what people look for with pkill -f: theirs must not hold the words srtctl, sglang
 * or python, nor the run directory.
 */
// `kill -TERM -- -PGID` is an error in dash; `kill -s TERM -- -PGID` works in every POSIX shell.
const SCRIPT = `
trap '' INT TERM HUP QUIT
groups=
while read -r what group; do
  case $what in
    add) groups="$groups $group" ;;
    remove) rest=; for one in $groups; do [ "$one" = "$group" ] || rest="$rest $one"; done; groups=$rest ;;
    leave) exit 0 ;;
  esac
done
echo "srtctl: the supervisor is gone; ending process groups:$groups" >>"$KEEPER_LOG" 2>/dev/null
for group in $groups; do kill -s TERM -- "-$group" 2>/dev/null; done
left=20
while [ $left -gt 0 ]; do
  alive=
  for group in $groups; do kill -s 0 -- "-$group" 2>/dev/null && alive=yes; done
  [ -n "$alive" ] || break
  sleep 0.1
  left=$((left - 1))
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
for file in $(grep -lszxF "${RUN_VARIABLE}=$KEEPER_MARK" /proc/[0-9]*/environ 2>/dev/null); do
  file=\${file#/proc/}
  kill -KILL "\${file%/environ}" 2>/dev/null
done
index=0
while eval "directory=\\\${KEEPER_REMOVES_$index-}"; [ -n "$directory" ]; do
  rm -rf -- "$directory"
  index=$((index + 1))
done
`;

/** What ps shows of it. */
export const GUARD_NAME = 'process-group-keeper';
const MAX_RESTARTS = 5;

export interface GuardOptions {
  readonly mark: string;
  /** Directories of ours that go with the run. */
  readonly temporary: readonly string[];
  /** File for its one line. */
  readonly log: string;
}

export class Guard {
  readonly #options: GuardOptions;
  readonly #groups = new Set<number>();
  #child: ChildProcess;
  #restarts = 0;
  #leaving = false;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#child = this.#start();
  }

  /** Told as soon as there is a process. */
  add(group: number): void {
    this.#groups.add(group);
    this.#tell(`add ${group}`);
  }

  /** Once nothing of the group runs any more: its number may be given to somebody else. */
  remove(group: number): void {
    this.#groups.delete(group);
    this.#tell(`remove ${group}`);
  }

  /** Nothing is left to guard. Resolves when it has ended. */
  leave(): Promise<void> {
    this.#leaving = true;
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      child.once('close', () => resolve());
      this.#tell('leave');
      child.stdin?.end();
    });
  }

  #tell(line: string): void {
    if (this.#child.stdin?.writable === true) this.#child.stdin.write(`${line}\n`);
  }

  #start(): ChildProcess {
    const { mark, temporary, log } = this.#options;
    const child = spawn('/bin/sh', ['-c', 'eval "$KEEPER"', GUARD_NAME], {
      cwd: '/',
      env: {
        PATH: '/usr/local/bin:/usr/bin:/bin',
        KEEPER: SCRIPT,
        KEEPER_MARK: mark,
        KEEPER_LOG: log,
        ...Object.fromEntries(temporary.map((directory, index) => [`KEEPER_REMOVES_${index}`, directory])),
      },
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    // A guard that somebody ended is replaced; its pipe may break while we write.
    child.stdin?.on('error', () => {});
    child.on('error', () => {});
    child.on('exit', () => {
      if (this.#leaving || ++this.#restarts > MAX_RESTARTS) return;
      this.#child = this.#start();
      for (const group of this.#groups) this.#tell(`add ${group}`);
    });
    return child;
  }
}
