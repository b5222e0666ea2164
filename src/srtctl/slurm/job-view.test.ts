import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock } from '../../base/runtime/fake-clock.ts';
import { JobDeadline } from './job-deadline.ts';
import { killWaitSeconds, viewJob } from './job-view.ts';
import type { SlurmAnswer, SlurmCommands } from './slurm-commands.ts';
import { slurmCommands, submissionEnvironment, withoutOptionVariables } from './slurm-commands.ts';

function answering(...answers: Partial<SlurmAnswer>[]): SlurmCommands & { readonly asked: string[][] } {
  const asked: string[][] = [];
  return {
    asked,
    run: (argv) => {
      asked.push([...argv]);
      return Promise.resolve({ code: 0, stdout: '', stderr: '', ...(answers[Math.min(asked.length, answers.length) - 1] ?? {}) });
    },
  };
}

describe('what SLURM says of a job', () => {
  for (const [what, answer, expected] of [
    ['pending', { stdout: 'PENDING|10:00|Resources\n' }, { phase: 'pending', state: 'PENDING', reason: 'Resources', secondsLeft: null }],
    ['running', { stdout: 'RUNNING|1-02:03:04|None\n' }, { phase: 'running', state: 'RUNNING', reason: 'None', secondsLeft: 93_784 }],
    [
      'running without limit',
      { stdout: 'RUNNING|UNLIMITED|None\n' },
      { phase: 'running', state: 'RUNNING', reason: 'None', secondsLeft: null },
    ],
    [
      'completing, which is no end',
      { stdout: 'COMPLETING|0:00|None' },
      { phase: 'running', state: 'COMPLETING', reason: 'None', secondsLeft: 0 },
    ],
    ['over', { stdout: 'NODE_FAIL|0:00|None' }, { phase: 'over', state: 'NODE_FAIL', reason: 'None', secondsLeft: null }],
    [
      'a state of a newer SLURM',
      { stdout: 'LAUNCH_FAILED|0:00|x' },
      { phase: 'over', state: 'LAUNCH_FAILED', reason: 'x', secondsLeft: null },
    ],
    ['nothing, right after its end', { stdout: '' }, { phase: 'gone', state: '', reason: '', secondsLeft: null }],
    [
      'that it does not know it',
      { code: 1, stderr: 'slurm_load_jobs error: Invalid job id specified' },
      { phase: 'gone', state: '', reason: '', secondsLeft: null },
    ],
    ['nothing in time', { code: null, stderr: 'late' }, { phase: 'unknown', state: '', reason: 'late', secondsLeft: null }],
    ['an error', { code: 1, stderr: 'Unable to contact' }, { phase: 'unknown', state: '', reason: 'Unable to contact', secondsLeft: null }],
  ] as const) {
    test(what, async () => assert.deepEqual(await viewJob('12', answering(answer)), expected));
  }

  test('KillWait is read, and 30 s where it cannot be', async () => {
    assert.equal(await killWaitSeconds(answering({ stdout: 'KeepAliveTime = x\nKillWait                = 8 sec\n' })), 8);
    assert.equal(await killWaitSeconds(answering({ code: 1 })), 30);
  });
});

describe('the end of a job’s time', () => {
  /** Lets answers arrive. */
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  function watch(...left: readonly (string | null)[]): { clock: FakeClock; deadline: JobDeadline; cancels: string[]; asked: string[][] } {
    const clock = new FakeClock();
    const commands = answering(...left.map((one) => (one === null ? { code: null } : { stdout: `RUNNING|${one}|None` })));
    const cancels: string[] = [];
    const cancel = (by: string): void => void cancels.push(`${clock.nowMs() / 1000}: ${by}`);
    const deadline = new JobDeadline({ job: '12', warningSeconds: 90, commands, clock, cancel });
    return { clock, deadline, cancels, asked: commands.asked };
  }

  test('is met with an orderly stop, then with a hurried one', async () => {
    const { clock, cancels } = watch('10:00', '1:30');
    await settle();
    clock.advance(509_000);
    await settle();
    assert.deepEqual(cancels, []);
    clock.advance(1000);
    await settle();
    const words = 'the time limit of the job, 90 s before it';
    assert.deepEqual(cancels, [`510: ${words}`]);
    clock.advance(82_000);
    assert.deepEqual(cancels, [`510: ${words}`, `592: ${words}`]);
  });

  test('is not feared a minute too early, whatever SLURM signals', async () => {
    const { clock, deadline, cancels } = watch('10:00', '2:28', '1:30');
    await settle();
    clock.advance(452_000);
    deadline.warned();
    await settle();
    assert.deepEqual(cancels, []);
    clock.advance(58_000);
    await settle();
    assert.equal(cancels.length, 1);
  });

  test('moves with the limit', async () => {
    const { clock, cancels, asked } = watch('10:00', '1:01:30', '1:30');
    await settle();
    clock.advance(510_000);
    await settle();
    assert.deepEqual([cancels.length, asked.length], [0, 2]);
    clock.advance(3_600_000);
    await settle();
    assert.equal(cancels.length, 1);
  });

  test('counts as come when SLURM has warned and does not answer', async () => {
    const { deadline, cancels } = watch('10:00', null);
    await settle();
    deadline.warned();
    await settle();
    assert.equal(cancels.length, 1);
  });

  test('never comes for a job without one, or for a run that is over', async () => {
    const endless = watch('UNLIMITED');
    await settle();
    assert.equal(endless.clock.pending, 0);
    const over = watch('10:00', '0:10');
    await settle();
    over.deadline.stop();
    assert.equal(over.clock.pending, 0);
    over.deadline.warned();
    await settle();
    assert.deepEqual(over.cancels, []);
  });
});

describe('the environment of SLURM’s programs', () => {
  const env = {
    PATH: '/bin',
    SLURM_CONF: '/etc/slurm.conf',
    SLURM_JOB_ID: '7',
    SLURM_NTASKS: '4',
    SLURM_EXPORT_ENV: 'NONE',
    SQUEUE_STATES: 'PD',
    SCANCEL_INTERACTIVE: '1',
    SBATCH_ACCOUNT: 'mine',
    SBATCH_PARTITION: 'debug',
    SBATCH_WAIT: '1',
    SBATCH_EXPORT: 'NONE',
    HF_TOKEN: 'x',
  };

  test('holds no option that changes what they do', () => {
    assert.deepEqual(Object.keys(withoutOptionVariables(env)), [
      ...['PATH', 'SLURM_CONF', 'SLURM_JOB_ID', 'SBATCH_ACCOUNT', 'SBATCH_PARTITION', 'SBATCH_WAIT', 'SBATCH_EXPORT', 'HF_TOKEN'],
    ]);
  });

  test('of a submission has no trace of an outer job, and defaults only where the script is silent', () => {
    const submission = submissionEnvironment(env, new Set(['partition', 'nodes']));
    assert.deepEqual(Object.keys(submission), ['PATH', 'SLURM_CONF', 'SQUEUE_STATES', 'SCANCEL_INTERACTIVE', 'SBATCH_ACCOUNT', 'HF_TOKEN']);
  });

  test('a program that is missing, fails, or hangs is an answer, too', async () => {
    const commands = slurmCommands({ PATH: process.env['PATH'] });
    assert.match((await commands.run(['no-such-slurm'])).stderr, /no-such-slurm is not on PATH/);
    assert.deepEqual(await commands.run(['sh', '-c', 'echo out; echo err >&2; exit 3']), { code: 3, stdout: 'out\n', stderr: 'err' });
    const late = await commands.run(['sleep', '60'], 50);
    assert.deepEqual([late.code, late.stderr], [null, 'sleep did not answer within 0.05 s']);
  });
});
