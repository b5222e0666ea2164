import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { planned, planOf } from '../../../test/support/small-plan.ts';
import { type Gate, gate, until } from '../../../test/support/until.ts';
import { FakeClock } from '../../base/runtime/fake-clock.ts';
import { LaunchError, type Launcher, type ProcessListener, type RunningProcess, type SiteListener } from '../launch/launcher.ts';
import type { Plan } from '../plan/plan.ts';
import { Supervisor } from './supervisor.ts';

/** A place where processes are what the test says. Those that are told to stop do so, unless they are in `deaf`. */
class FakePlace {
  readonly signals: string[] = [];
  readonly listeners = new Map<string, ProcessListener>();
  readonly deaf = new Set<string>();
  /** Starts of these wait for their gate. */
  readonly slowStarts = new Map<string, Gate>();
  readonly opening = gate();
  openFails: string | null = null;
  /** Fails `close` with these words. */
  closeFails: string | null = null;
  closes = 0;
  site: SiteListener | null = null;

  readonly launcher: Launcher = {
    kind: 'local',
    open: async (_plan, _run, listener) => {
      await this.opening.promise;
      if (this.openFails !== null) throw new LaunchError(this.openFails);
      this.site = listener;
      return {
        nodes: [],
        bind: (text) => text,
        takenPorts: async () => [],
        start: async (process, told) => {
          await this.slowStarts.get(process.id)?.promise;
          this.listeners.set(process.id, told);
          const running: RunningProcess = {
            process,
            pid: 1,
            signal: (how) => {
              this.signals.push(`${how} ${process.id}`);
              if (!this.deaf.has(process.id) || how === 'kill') told.ended({ code: null, signal: how === 'kill' ? 'SIGKILL' : 'SIGTERM' });
            },
          };
          return running;
        },
        close: async () => {
          this.closes++;
          if (this.closeFails !== null) throw new Error(this.closeFails);
          return [];
        },
      };
    },
  };
}

const WORKERS = planOf([planned('prefill-0', { ready: { kind: 'tcp', host: '127.0.0.1', port: 1 } }), planned('decode-0')]);

function supervise(plan: Plan = WORKERS): { place: FakePlace; clock: FakeClock; supervisor: Supervisor } {
  const place = new FakePlace();
  const clock = new FakeClock();
  const supervisor = new Supervisor(plan, place.launcher, { directory: '/none', id: 'x' }, { clock, onNotice: () => {} });
  return { place, clock, supervisor };
}

/** Lets promises and sockets have their turn, and time go on, until the run is over. */
async function end(over: Promise<void>, clock: FakeClock): Promise<void> {
  let isOver = false;
  void over.then(() => {
    isOver = true;
  });
  await until(() => {
    if (!isOver) clock.advance(100);
    return isOver;
  }, 'the run to be over');
}

describe('the supervisor', () => {
  test('ends a run whose place cannot be opened, and says why', async () => {
    const { place, clock, supervisor } = supervise();
    place.openFails = 'no loopback addresses are free';
    place.opening.open();
    await end(supervisor.run(), clock);
    assert.equal(supervisor.machine.outcome, 'start');
    assert.equal(supervisor.machine.report?.summary, 'no loopback addresses are free');
  });

  test('waits for a place that is being opened when it is cancelled, and closes it', async () => {
    const { place, clock, supervisor } = supervise();
    const over = supervisor.run();
    supervisor.cancel('SIGINT');
    assert.equal(place.closes, 0);
    place.opening.open();
    await end(over, clock);
    assert.equal(place.closes, 1);
    assert.equal(place.listeners.size, 0);
    assert.equal(supervisor.machine.outcome, 'cancelled');
  });

  test('tells a process that is being started to stop as soon as it can be told', async () => {
    const { place, clock, supervisor } = supervise();
    const slow = gate();
    place.slowStarts.set('decode-0', slow);
    place.opening.open();
    const over = supervisor.run();
    await until(() => place.listeners.has('prefill-0'), 'the first process');
    supervisor.cancel('SIGINT');
    assert.deepEqual(place.signals, ['drain prefill-0']);
    slow.open();
    await end(over, clock);
    assert.deepEqual(place.signals, ['drain prefill-0', 'drain decode-0']);
    assert.deepEqual(supervisor.machine.report?.stopped, ['prefill-0 was ended by SIGTERM', 'decode-0 was ended by SIGTERM']);
  });

  test('kills by the clock what does not hear', async () => {
    const { place, clock, supervisor } = supervise();
    place.deaf.add('decode-0');
    place.opening.open();
    const over = supervisor.run();
    await until(() => place.listeners.size === 2, 'both processes');
    supervisor.cancel('SIGINT');
    await end(over, clock);
    assert.deepEqual(place.signals, ['drain prefill-0', 'drain decode-0', 'kill decode-0']);
  });

  test('ends the run when the place tells of a lost node', async () => {
    const { place, clock, supervisor } = supervise();
    place.opening.open();
    const over = supervisor.run();
    await until(() => place.listeners.size === 2, 'both processes');
    place.site?.nodeLost('n1', 'it does not answer');
    await end(over, clock);
    assert.equal(supervisor.machine.outcome, 'running');
    assert.equal(supervisor.machine.report?.summary, 'node n1 was lost: it does not answer');
  });

  test('hears of an end that came before the start was told', async () => {
    const { place, clock, supervisor } = supervise(planOf([planned('prefill-0')]));
    const slow = gate();
    place.slowStarts.set('prefill-0', slow);
    place.opening.open();
    const over = supervisor.run();
    await until(() => place.site !== null, 'the place to be open');
    slow.open();
    await until(() => place.listeners.has('prefill-0'), 'the process');
    place.listeners.get('prefill-0')?.ended({ code: 1, signal: null });
    await end(over, clock);
    assert.match(supervisor.machine.report?.summary ?? '', /^prefill-0 on n0 exited with status 1/);
  });

  test('reports a place that could not be cleaned up', async () => {
    const { place, clock, supervisor } = supervise();
    place.closeFails = 'slurmctld is gone';
    place.opening.open();
    const over = supervisor.run();
    await until(() => place.listeners.size === 2, 'both processes');
    supervisor.cancel('SIGINT');
    await end(over, clock);
    assert.equal(supervisor.machine.report?.stopped.at(-1), 'the launcher could not clean up: slurmctld is gone');
  });
});
