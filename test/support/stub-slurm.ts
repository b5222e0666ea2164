/** SLURM's client programs as stubs that take what the real ones take, write down what they are called with, and start nothing. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

/** Options of sbatch with a value, and without. Source: sbatch(1) of SLURM 24.05. */
const OPTIONS = [
  ...[
    'account',
    'begin',
    'comment',
    'constraint',
    'cpus-per-task',
    'dependency',
    'exclude',
    'exclusive',
    'export',
    'gpus',
    'gpus-per-node',
  ],
  ...[
    'gres',
    'job-name',
    'kill-on-invalid-dep',
    'licenses',
    'mail-type',
    'mail-user',
    'mem',
    'mem-per-cpu',
    'no-kill',
    'no-requeue',
    'nodelist',
  ],
  ...[
    'nodes',
    'ntasks',
    'ntasks-per-node',
    'open-mode',
    'output',
    'overcommit',
    'oversubscribe',
    'partition',
    'qos',
    'reservation',
    'segment',
  ],
  ...['signal', 'spread-job', 'switches', 'time', 'time-min', 'wckey'],
];

const LOG = `printf '%s\\n' "$0 $*" >>"$(dirname "$0")/calls"\n`;

const SBATCH = `#!/bin/bash
${LOG}known=" ${OPTIONS.join(' ')} "
[ "$1" != --help ] || { printf ' --%s\\n' $known; exit 0; }
script="\${@: -1}"
bash -n "$script" || exit 1
for name in $(sed -nE 's/^#SBATCH --([a-z-]+).*/\\1/p' "$script"); do
  case $known in *" $name "*) ;; *) echo "sbatch: unrecognized option '--$name'" >&2; exit 1 ;; esac
done
case " $* " in *" --test-only "*) exit 0 ;; esac
directory=$(dirname "$0")
job=$(($(cat "$directory/job" 2>/dev/null || echo 100) + 1))
echo $job >"$directory/job"
cp "$script" "$directory/$job.sh"
echo $job
`;

const SRUN = `#!/bin/bash
${LOG}[ "$1" != --help ] || echo " --container-image"
`;

const SQUEUE = `#!/bin/bash
${LOG}echo "RUNNING|10:00|None"
`;

export class StubSlurm {
  readonly directory: string;

  /** `without`: options that this SLURM has not, such as `segment` or `container-image`. */
  constructor(t: Pick<TestContext, 'after'>, without: readonly string[] = []) {
    this.directory = mkdtempSync(path.join(tmpdir(), 'stub-slurm-'));
    t.after(() => rmSync(this.directory, { recursive: true, force: true }));
    mkdirSync(path.join(this.directory, 'work'));
    const lacking = (text: string): string =>
      without.reduce((all, name) => all.replaceAll(` ${name} `, ' ').replace(` --${name}"`, '"'), text);
    for (const [name, text] of [
      ['sbatch', lacking(SBATCH)],
      ['srun', lacking(SRUN)],
      ['squeue', SQUEUE],
      ['scontrol', `#!/bin/bash\n${LOG}`],
      ['scancel', `#!/bin/bash\n${LOG}`],
    ] as const) {
      writeFileSync(path.join(this.directory, name), text);
      chmodSync(path.join(this.directory, name), 0o755);
    }
  }

  /** A directory to submit from. */
  get cwd(): string {
    return path.join(this.directory, 'work');
  }

  /** For PATH. */
  get path(): string {
    return `${this.directory}:${process.env['PATH'] ?? ''}`;
  }

  calls(): readonly string[] {
    return readFileSync(path.join(this.directory, 'calls'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.slice(this.directory.length + 1));
  }

  /** The batch script of a job. */
  script(job: string): string {
    return readFileSync(path.join(this.directory, `${job}.sh`), 'utf8');
  }
}
