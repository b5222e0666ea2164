import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../base/runtime/fake-clock.ts';
import { SlurmSteps } from './job-steps.ts';
import type { SlurmAnswer } from './slurm-commands.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function stepsOf(answer: (argv: readonly string[]) => Partial<SlurmAnswer>): { steps: SlurmSteps; clock: FakeClock; ran: string[] } {
  const clock = new FakeClock();
  const ran: string[] = [];
  const steps = new SlurmSteps(
    '12',
    {
      run: (argv) => {
        ran.push(argv.join(' '));
        return Promise.resolve({ code: 0, stdout: '', stderr: '', ...answer(argv) });
      },
    },
    clock,
  );
  return { steps, clock, ran };
}

test('signals of one moment go out in one command, and never to srun', () => {
  const { steps, clock, ran } = stepsOf(() => ({}));
  for (const step of ['12.0', '12.1', '12.1']) steps.signal(step, 'TERM');
  steps.signal('12.2', 'QUIT');
  steps.signal('12.3', 'KILL');
  clock.advance(10);
  assert.deepEqual(ran, ['scancel --ctld --signal=TERM 12.0 12.1', 'scancel --ctld --signal=QUIT 12.2', 'scancel 12.3']);
});

test('steps are listed by number and name, without those of SLURM itself', async () => {
  const { steps, ran } = stepsOf(() => ({ stdout: '12.batch|batch\n12.extern|extern\n12.3|prefill-0.1\n12.10|odd|name\n' }));
  const [first, second] = await Promise.all([steps.list(), steps.list()]);
  assert.deepEqual(first, [
    { id: '12.3', name: 'prefill-0.1' },
    { id: '12.10', name: 'odd|name' },
  ]);
  assert.equal(second, first);
  assert.equal(ran.length, 1, 'who asks in the same moment shares the answer');
});

test('a job that is gone has no steps, and no answer is none', async () => {
  assert.deepEqual(await stepsOf(() => ({ code: 1, stderr: 'Invalid job id specified' })).steps.list(), []);
  assert.equal(await stepsOf(() => ({ code: 1, stderr: 'Unable to contact slurm controller' })).steps.list(), null);
});

test('clearing kills each step once, and waits until SLURM lists none', async () => {
  let looks = 0;
  const { steps, clock, ran } = stepsOf((argv) => (argv[0] === 'squeue' && ++looks < 3 ? { stdout: '12.3|decode-0\n12.4|other\n' } : {}));
  const cleared = steps.clear(({ name }) => name === 'decode-0', 10_000);
  for (let round = 0; round < 3; round++) {
    await settle();
    clock.advance(200);
  }
  assert.deepEqual(await cleared, { found: [{ id: '12.3', name: 'decode-0' }], isClear: true });
  assert.deepEqual(
    ran.filter((one) => one.startsWith('scancel')),
    ['scancel 12.3'],
  );
});

for (const [what, answer, expected] of [
  ['a step that stays', { stdout: '12.3|decode-0' }, { found: [{ id: '12.3', name: 'decode-0' }], isClear: false }],
  ['a silent SLURM', { code: null }, null],
] as const) {
  test(`clearing ends in the end: ${what}`, async () => {
    const { steps, clock } = stepsOf(() => answer);
    const cleared = steps.clear(() => true, 1000);
    for (let round = 0; round < 8; round++) {
      await settle();
      clock.advance(200);
    }
    assert.deepEqual(await cleared, expected);
  });
}
