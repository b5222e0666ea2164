import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { planned, planOf } from '../../../test/support/small-plan.ts';
import type { Plan } from '../plan/plan.ts';
import type { Effect, RunEvent } from './run-events.ts';
import { RunMachine } from './run-machine.ts';

const WEB = { kind: 'http', url: 'http://<node0>:1', run: null } as const;

/** Two workers (one on two nodes), a router, nginx, a benchmark. */
const FLEET = planOf([
  planned('prefill-0', { ready: WEB }),
  planned('prefill-0.1', { rank: 1, node: 'n1' }),
  planned('decode-0', { node: 'n1', ready: WEB }),
  planned('router-0', { ready: WEB }),
  planned('nginx', { ready: WEB }),
  planned('benchmark'),
]);

/** Drives a machine by hand: `at` moves the clock, orders are collected. */
class Drive {
  readonly machine: RunMachine;
  nowMs = 0;
  /** Whether every process answers when it is asked after a failed benchmark. */
  answers = true;
  orders: Effect[];

  constructor(plan: Plan = FLEET) {
    this.machine = new RunMachine(plan);
    this.orders = this.machine.begin();
  }

  hear(...events: RunEvent[]): this {
    for (const event of events) {
      const orders = this.machine.handle(event, this.nowMs);
      this.orders.push(...orders);
      // Everything answers, unless a test says otherwise.
      if (this.answers && orders.some((order) => order.do === 'ask-all')) this.hear({ type: 'asked-all' });
    }
    return this;
  }

  /** Time passes, with a tick at every deadline on the way. */
  pass(ms: number): this {
    const endMs = this.nowMs + ms;
    for (let step = 0; step < 1000 && this.machine.deadlineMs <= endMs; step++) {
      this.nowMs = Math.max(this.nowMs, this.machine.deadlineMs);
      this.hear({ type: 'tick' });
    }
    this.nowMs = endMs;
    return this.hear({ type: 'tick' });
  }

  /** Orders of one kind since the last call, in words. */
  took(kind: 'start' | 'signal'): string[] {
    const words = this.orders.flatMap((effect) => {
      if (effect.do === 'start' && kind === 'start') return [effect.ids.join(' ')];
      return effect.do === 'signal' && kind === 'signal' ? [`${effect.how} ${effect.id}`] : [];
    });
    this.orders = [];
    return words;
  }

  started(...ids: string[]): this {
    return this.hear(...ids.map((id): RunEvent => ({ type: 'started', id, pid: 1 })));
  }

  ready(...ids: string[]): this {
    return this.started(...ids).hear(...ids.map((id): RunEvent => ({ type: 'ready', id })));
  }

  ends(id: string, code: number | null = 0, signal: string | null = null): this {
    return this.hear({ type: 'ended', id, end: { code, signal } });
  }

  says(id: string, text: string): this {
    return this.hear({ type: 'line', id, text });
  }

  /** Up to the benchmark. */
  up(): this {
    this.hear({ type: 'opened', clashes: [] }).ready('prefill-0', 'prefill-0.1', 'decode-0').ready('router-0').ready('nginx');
    return this.hear({ type: 'smoke-test-passed' }).started('benchmark');
  }

  /** Everything that is told to stop does so. */
  stopsAll(): this {
    for (let round = 0; round < 20 && this.machine.state !== 'ended'; round++) {
      const { orders } = this;
      this.orders = [];
      for (const order of orders) {
        if (order.do === 'signal' && this.machine.records.get(order.id)?.lives) this.ends(order.id, 0);
        if (order.do === 'close') this.hear({ type: 'closed', leftovers: [] });
      }
      if (this.orders.length === 0) this.pass(1000);
    }
    return this;
  }
}

describe('the state machine of a run', () => {
  test('starts a tier at once, and the next one when all of it is ready', () => {
    const drive = new Drive().hear({ type: 'opened', clashes: [] });
    assert.deepEqual(drive.took('start'), ['prefill-0 prefill-0.1 decode-0']);
    drive.ready('prefill-0', 'prefill-0.1');
    assert.deepEqual(drive.took('start'), []);
    drive.ready('decode-0');
    assert.deepEqual(drive.took('start'), ['router-0']);
    drive.ready('router-0');
    assert.deepEqual(drive.took('start'), ['nginx']);
    drive.ready('nginx');
    assert.equal(drive.machine.state, 'proving');
    assert.deepEqual(drive.took('start'), []);
    drive.hear({ type: 'smoke-test-passed' });
    assert.deepEqual(drive.took('start'), ['benchmark']);
    assert.equal(drive.machine.state, 'benchmarking');
  });

  test('tells of a failed benchmark where the endpoint is, without symbols of the plan', () => {
    const drive = new Drive().up().ends('benchmark', 3).pass(5000).stopsAll();
    const { hints } = drive.machine.report ?? assert.fail();
    assert.match(hints.join(), /could not reach the endpoint: nginx must run on n0 and its port 8000 be open/);
    assert.doesNotMatch(hints.join(), /</);
  });

  test('gives hints only where they fit', () => {
    const some = new Drive().up().says('benchmark', 'concurrency 2, measured: 78/80 requests, 2 failed');
    some.says('benchmark', 'a request failed: ECONNREFUSED').ends('benchmark', 6).pass(1000).stopsAll();
    assert.doesNotMatch(some.machine.report?.hints.join() ?? '', /nginx must run/);
    assert.match(some.machine.report?.hints.join() ?? '', /Requests were answered/);
    const silent = new Drive().up();
    silent.answers = false;
    silent
      .ends('benchmark', 3)
      .hear({ type: 'not-well', id: 'decode-0', why: 'no answer', isGone: false }, { type: 'asked-all' })
      .pass(1000);
    silent.ends('nginx').ends('router-0').ends('decode-0', null, 'SIGKILL').stopsAll();
    assert.doesNotMatch(silent.machine.report?.hints.join() ?? '', /out of memory/, 'srtctl itself has killed it');
    const killed = new Drive().up().ends('decode-0', null, 'SIGKILL').pass(1000).stopsAll();
    assert.match(killed.machine.report?.hints.join() ?? '', /out of memory/);
  });

  test('shows no escape sequence of a process, and no poll of its own among last words', () => {
    const drive = new Drive().up().says('router-0', 'bad \u001b]0;owned\u0007').says('router-0', '"GET /liveness HTTP/1.1" 200 OK');
    drive.ends('router-0', 1).pass(1000).stopsAll();
    assert.deepEqual(drive.machine.report?.lastLines, ['bad \\x1b]0;owned\\x07']);
  });

  test('ends well when the benchmark does, and stops from the top to the bottom', () => {
    const drive = new Drive().up();
    drive.took('signal');
    drive.ends('benchmark', 0);
    assert.deepEqual(drive.took('signal'), ['drain nginx']);
    drive.ends('nginx');
    assert.deepEqual(drive.took('signal'), ['drain router-0']);
    drive.ends('router-0');
    assert.deepEqual(drive.took('signal'), ['drain prefill-0', 'drain prefill-0.1', 'drain decode-0']);
    drive.ends('prefill-0', 143).ends('prefill-0.1', null, 'SIGTERM').ends('decode-0');
    assert.ok(drive.orders.some((order) => order.do === 'close'));
    drive.hear({ type: 'closed', leftovers: [] });
    assert.equal(drive.machine.state, 'ended');
    assert.equal(drive.machine.outcome, 'ok');
    assert.equal(drive.machine.report, null);
  });

  test('stays up without a benchmark until it is cancelled', () => {
    const drive = new Drive(planOf([planned('aggregated-0', { ready: WEB })]));
    drive
      .hear({ type: 'opened', clashes: [] })
      .ready('aggregated-0')
      .hear({ type: 'smoke-test-passed' })
      .pass(10 * 86_400_000);
    assert.equal(drive.machine.state, 'serving');
    drive.hear({ type: 'cancel', by: 'SIGINT' }).stopsAll();
    assert.equal(drive.machine.outcome, 'cancelled');
  });

  test('takes the end of a needed process for a failure whatever its status', () => {
    for (const code of [0, 1]) {
      const drive = new Drive().up().says('router-0', 'bye').ends('router-0', code).pass(1000).stopsAll();
      assert.equal(drive.machine.outcome, 'running');
      assert.equal(drive.machine.report?.process, 'router-0');
      assert.match(drive.machine.report?.summary ?? '', new RegExp(`router-0 on n0 exited with status ${code} while it was needed`));
      assert.deepEqual(drive.machine.report?.lastLines, ['bye']);
      assert.deepEqual(
        drive.machine.report?.stopped.map((line) => line.split(' ')[0]),
        ['benchmark', 'nginx', 'prefill-0', 'prefill-0.1', 'decode-0'],
      );
    }
  });

  test('does not wait for a process that died before it was ready', () => {
    const drive = new Drive().hear({ type: 'opened', clashes: [] }).started('prefill-0', 'prefill-0.1', 'decode-0');
    drive.ends('decode-0', 1);
    assert.ok(drive.machine.deadlineMs <= drive.nowMs + 1000);
    drive.pass(1000);
    assert.equal(drive.machine.state, 'stopping');
    drive.stopsAll();
    assert.equal(drive.machine.outcome, 'start');
  });

  test('goes on without a process that is not critical', () => {
    const drive = new Drive(planOf([planned('prefill-0', { ready: WEB }), planned('decode-0', { critical: false })]));
    drive
      .hear({ type: 'opened', clashes: [] })
      .ready('prefill-0', 'decode-0')
      .hear({ type: 'smoke-test-passed' })
      .ends('decode-0', 1)
      .pass(5000);
    assert.equal(drive.machine.state, 'serving');
  });

  test('fails before the launch when a port is taken', () => {
    const drive = new Drive()
      .hear({ type: 'opened', clashes: ['http port 8000 of nginx is taken by pid 7 (caddy)'] })
      .pass(1000)
      .stopsAll();
    assert.deepEqual(drive.took('start'), []);
    assert.equal(drive.machine.outcome, 'start');
    assert.match(drive.machine.report?.summary ?? '', /8000 of nginx is taken by pid 7 \(caddy\)/);
  });

  test('says in the report what a process that could not be started lacked', () => {
    const drive = new Drive().hear({ type: 'opened', clashes: [] }).started('prefill-0', 'prefill-0.1');
    drive.hear({ type: 'start-failed', id: 'decode-0', message: 'decode-0: no such directory' }).pass(1000).stopsAll();
    assert.equal(drive.machine.outcome, 'start');
    assert.match(drive.machine.report?.summary ?? '', /no such directory/);
  });

  test('blames the process whose output names the cause, not the one that was heard of first', () => {
    const drive = new Drive().up();
    drive.says('prefill-0', 'torch.distributed.DistBackendError: NCCL error: remote process exited').ends('prefill-0', 1);
    drive.says('prefill-0.1', 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB').ends('prefill-0.1', 1);
    drive.pass(1000).stopsAll();
    assert.equal(drive.machine.report?.process, 'prefill-0.1');
    assert.match(drive.machine.report?.hints[0] ?? '', /GPU memory is exhausted/);
    assert.match(drive.machine.report?.also[0] ?? '', /^prefill-0 on n0 exited/);
  });

  test('blames the benchmark only when nothing else failed', () => {
    const alone = new Drive().up().ends('benchmark', 3).pass(1000).stopsAll();
    assert.equal(alone.machine.outcome, 'benchmark');
    const both = new Drive().up().ends('benchmark', 3).ends('router-0', null, 'SIGSEGV').pass(1000).stopsAll();
    assert.equal(both.machine.outcome, 'running');
    assert.equal(both.machine.report?.process, 'router-0');
  });

  test('stops when a node is lost and blames the node', () => {
    const drive = new Drive().up().ends('decode-0', null, null).hear({ type: 'node-lost', node: 'n1', why: 'not responding' });
    drive.pass(1000).stopsAll();
    assert.equal(drive.machine.report?.node, 'n1');
    assert.match(drive.machine.report?.summary ?? '', /node n1 was lost: not responding/);
  });
});

describe('a process that stops answering', () => {
  const silent = (drive: Drive, id: string, forMs: number): Drive => {
    for (let passedMs = 0; passedMs < forMs; passedMs += 5000)
      drive.pass(5000).hear({ type: 'unanswered', id, why: 'no answer within 15 s' });
    return drive;
  };
  const warnings = (drive: Drive): string[] =>
    drive.orders.flatMap((order) => (order.do === 'tell' && order.notice.type === 'warning' ? [order.notice.text] : []));

  test('is probed from the moment it is ready', () => {
    const drive = new Drive().hear({ type: 'opened', clashes: [] }).ready('decode-0');
    assert.deepEqual(
      drive.orders.flatMap((order) => (order.do === 'probe' ? [order.id] : [])),
      ['decode-0'],
    );
  });

  test('is named after 30 s, with its node and last line, once', () => {
    const drive = silent(new Drive().up().says('decode-0', 'Decode batch.'), 'decode-0', 25_000);
    assert.deepEqual(warnings(drive), []);
    silent(drive, 'decode-0', 20_000);
    assert.deepEqual(warnings(drive), [
      'decode-0 on n1 has not answered its probe for 30 s (no answer within 15 s); its last line: Decode batch.',
    ]);
    assert.equal(drive.machine.records.get('decode-0')?.detail, 'has not answered its probe for 45 s (no answer within 15 s)');
    assert.equal(drive.machine.state, 'benchmarking');
  });

  test('is no longer named when it answers', () => {
    const drive = silent(new Drive().up(), 'decode-0', 200_000).hear({ type: 'answered', id: 'decode-0' });
    assert.match(warnings(drive).at(-1) ?? '', /^decode-0 on n1 answers its probe again, after 200 s$/);
    assert.equal(drive.machine.records.get('decode-0')?.isSilent, false);
    silent(drive, 'decode-0', 200_000);
    assert.equal(drive.machine.state, 'benchmarking');
  });

  test('ends the run with 7 after silence_secs, and the longest silence comes first', () => {
    const drive = silent(new Drive().up().says('decode-0', 'last words'), 'decode-0', 150_000);
    drive.hear({ type: 'answered', id: 'router-0' });
    for (let passedMs = 0; passedMs < 150_000; passedMs += 5000)
      drive.pass(5000).hear(...['router-0', 'decode-0'].map((id): RunEvent => ({ type: 'unanswered', id, why: 'no answer within 15 s' })));
    drive.pass(1000).stopsAll();
    const { outcome, report } = drive.machine;
    assert.equal(outcome, 'running');
    assert.ok(report?.stopped.includes('decode-0 did not answer and was killed'), report?.stopped.join('; '));
    assert.deepEqual([report?.process, report?.node, report?.lastLines], ['decode-0', 'n1', ['last words']]);
    assert.match(
      report?.summary ?? '',
      /^decode-0 on n1 has not answered its probe for 300 s \(no answer within 15 s\) while it was needed$/,
    );
    assert.match(report?.also[0] ?? '', /^router-0 on n0 has not answered its probe for 150 s/);
    assert.match(report?.hints[0] ?? '', /stopped or hung/);
  });

  test('is not ended while it only keeps its log silent', () => {
    const drive = new Drive().up();
    for (let hours = 0; hours < 8; hours++) drive.pass(3_600_000).hear({ type: 'answered', id: 'decode-0' });
    assert.equal(drive.machine.state, 'benchmarking');
  });
});

describe('after a failed benchmark', () => {
  const failed = (): Drive => {
    const drive = new Drive();
    drive.answers = false;
    return drive.up().ends('benchmark', 3);
  };

  test('everybody is asked before it is blamed', () => {
    const drive = failed();
    assert.ok(drive.orders.some((order) => order.do === 'ask-all'));
    drive.pass(5000);
    assert.equal(drive.machine.state, 'benchmarking');
    drive.hear({ type: 'asked-all' }).pass(1000).stopsAll();
    assert.equal(drive.machine.outcome, 'benchmark');
  });

  test('a worker that is gone is waited for, and blamed by its end', () => {
    const drive = failed()
      .hear({ type: 'not-well', id: 'decode-0', why: 'ECONNREFUSED', isGone: true }, { type: 'asked-all' })
      .pass(20_000);
    assert.equal(drive.machine.state, 'benchmarking');
    drive.ends('decode-0', null, 'SIGKILL').pass(1000);
    assert.equal(drive.machine.state, 'stopping');
    drive.stopsAll();
    assert.equal(drive.machine.outcome, 'running');
    assert.match(drive.machine.report?.summary ?? '', /^decode-0 on n1 was ended by SIGKILL while it was needed$/);
  });

  test('a worker that hangs is blamed without being waited for', () => {
    const drive = failed().hear({ type: 'not-well', id: 'decode-0', why: 'no answer within 10 s', isGone: false }, { type: 'asked-all' });
    drive.pass(1000).stopsAll();
    assert.equal(drive.machine.outcome, 'running');
    assert.equal(drive.machine.report?.process, 'decode-0');
  });

  test('the wait for answers has an end', () => {
    assert.equal(failed().pass(16_000).machine.state, 'stopping');
  });
});

describe('while the fleet is proved', () => {
  const proving = (): Drive => {
    const drive = new Drive().hear({ type: 'opened', clashes: [] }).ready('prefill-0', 'prefill-0.1', 'decode-0').ready('router-0');
    return drive.ready('nginx').hear({ type: 'suspect', id: 'decode-0', why: 'decode-0 on n1 generates no token' });
  };

  test('the process that does not do its share is named instead of the way', () => {
    for (const drive of [
      proving().pass(61_000),
      proving().hear({ type: 'smoke-test-failed', via: 'router-0', message: '504' }).pass(1000),
    ]) {
      drive.stopsAll();
      assert.equal(drive.machine.outcome, 'readiness');
      assert.equal(drive.machine.report?.process, 'decode-0');
      assert.match(drive.machine.report?.summary ?? '', /^decode-0 on n1 generates no token \(.*not answered/);
    }
  });
});

describe('time-outs while starting', () => {
  const workers = planOf([planned('aggregated-0', { ready: WEB }), planned('aggregated-0.1', { rank: 1 })], {
    healthCheck: { intervalMs: 10_000, timeoutMs: 3_600_000, silenceMs: 300_000 },
  });
  const waiting = (): Drive => new Drive(workers).hear({ type: 'opened', clashes: [] }).started('aggregated-0', 'aggregated-0.1');

  test('ends with silence', () => {
    const drive = waiting().pass(299_000);
    assert.equal(drive.machine.state, 'starting');
    drive.hear({ type: 'not-ready', id: 'aggregated-0', detail: 'answers 503' }).pass(300_000).pass(1000).stopsAll();
    assert.equal(drive.machine.outcome, 'readiness');
    assert.match(drive.machine.report?.summary ?? '', /aggregated-0 on n0 did not become ready, no sign of life for 300 s: answers 503/);
  });

  test('is extended by lines, also those of another rank of the worker', () => {
    const drive = waiting();
    for (let round = 0; round < 10; round++) drive.pass(250_000).says('aggregated-0.1', `round ${round}`);
    assert.equal(drive.machine.state, 'starting');
    drive.ready('aggregated-0');
    assert.equal(drive.machine.state, 'proving');
  });

  test('is longer after a line that announces slow work', () => {
    const drive = waiting().says('aggregated-0', 'Loading safetensors checkpoint shards:  10% Completed | 1/10').pass(890_000);
    assert.equal(drive.machine.state, 'starting');
    drive.pass(20_000);
    assert.equal(drive.machine.state, 'stopping');
  });

  test('never exceeds health_check', () => {
    const drive = waiting();
    for (let round = 0; round < 36; round++) drive.pass(99_000).says('aggregated-0', `round ${round}`);
    drive.pass(99_000).stopsAll();
    assert.equal(drive.machine.outcome, 'readiness');
    assert.match(drive.machine.report?.summary ?? '', /the time that health_check allows is over/);
  });

  test('exceeds health_check while weights are loaded, and for as long as a silence may last afterwards', () => {
    const drive = waiting().says('aggregated-0', 'Load weight begin.');
    for (let round = 0; round < 8; round++)
      drive.pass(600_000).says('aggregated-0', `Loading safetensors checkpoint shards: ${round}% Completed`);
    drive.pass(60_000).says('aggregated-0', 'Load done').pass(200_000);
    assert.equal(drive.machine.state, 'starting');
    drive.says('aggregated-0', 'still here').pass(60_000).stopsAll();
    assert.equal(drive.machine.outcome, 'readiness');
    assert.match(drive.machine.report?.summary ?? '', /the time that health_check allows is over/);
  });

  test('leaves the first requests their silence when health_check is over', () => {
    const drive = waiting().says('aggregated-0', 'Load weight begin.');
    for (let round = 0; round < 8; round++)
      drive.pass(600_000).says('aggregated-0', `Loading safetensors checkpoint shards: ${round}% Completed`);
    drive.ready('aggregated-0').pass(50_000);
    assert.equal(drive.machine.state, 'proving');
    drive.pass(20_000).stopsAll();
    assert.equal(drive.machine.outcome, 'readiness');
  });

  test('with the first requests ends, too', () => {
    const drive = waiting()
      .ready('aggregated-0')
      .hear({ type: 'smoke-test-pending', detail: 'no answer yet through router-0' })
      .pass(70_000)
      .stopsAll();
    assert.equal(drive.machine.outcome, 'readiness');
    assert.match(drive.machine.report?.summary ?? '', /no answer yet through router-0/);
  });
});

describe('a plan that contradicts itself', () => {
  const plan = planOf([
    planned('prefill-0', { ports: { bootstrap: 30_001 }, ready: { kind: 'worker', url: 'http://<node0>:1', model: 'm' } }),
    planned('router-0', { argv: ['router', '--prefill', 'http://<node0>:1', '30009'] }),
  ]);

  test('is warned of before anything starts, and waited for less', () => {
    const drive = new Drive(plan);
    const warnings = drive.orders.flatMap((order) => (order.do === 'tell' && order.notice.type === 'warning' ? [order.notice.text] : []));
    assert.deepEqual(warnings, ['Bootstrap mismatch: router-0 is told port 30009 for prefill-0, which listens on 30001.']);
    drive.hear({ type: 'opened', clashes: [] }).ready('prefill-0').started('router-0');
    assert.equal(drive.machine.state, 'proving');
    drive.pass(14_000);
    assert.equal(drive.machine.state, 'proving');
    drive.pass(2000).stopsAll();
    assert.equal(drive.machine.outcome, 'readiness');
    assert.deepEqual(drive.machine.report?.hints[0], warnings[0]);
  });
});

describe('stopping a run', () => {
  test('kills what does not stop in time and says so', () => {
    const drive = new Drive().up().hear({ type: 'cancel', by: 'SIGTERM' });
    assert.deepEqual(drive.took('signal'), ['terminate benchmark']);
    drive.pass(15_000);
    assert.deepEqual(drive.took('signal'), ['kill benchmark']);
    drive.ends('benchmark', null, 'SIGKILL').stopsAll();
    assert.equal(drive.machine.outcome, 'cancelled');
    assert.equal(drive.machine.report?.stopped[0], 'benchmark did not stop within 15 s and was killed');
  });

  test('goes on when even SIGKILL does not help', () => {
    const drive = new Drive().up().hear({ type: 'cancel', by: 'SIGTERM' }).pass(15_000).pass(5000);
    assert.ok(drive.took('signal').includes('drain nginx'));
    drive.stopsAll();
    assert.match(drive.machine.report?.stopped[0] ?? '', /benchmark could not be killed/);
  });

  test('hurries at the second wish and kills at the third', () => {
    const drive = new Drive().up().hear({ type: 'cancel', by: 'SIGINT' });
    drive.took('signal');
    drive.hear({ type: 'cancel', by: 'SIGINT' });
    assert.deepEqual(
      drive.took('signal'),
      ['prefill-0', 'prefill-0.1', 'decode-0', 'router-0', 'nginx', 'benchmark'].map((id) => `terminate ${id}`),
    );
    drive.ends('nginx').hear({ type: 'cancel', by: 'SIGINT' });
    assert.deepEqual(
      drive.took('signal'),
      ['prefill-0', 'prefill-0.1', 'decode-0', 'router-0', 'benchmark'].map((id) => `kill ${id}`),
    );
  });

  test('kills a second after the second wish', () => {
    const drive = new Drive().up().hear({ type: 'cancel', by: 'SIGINT' }, { type: 'cancel', by: 'SIGINT' });
    drive.took('signal');
    drive.pass(1000);
    assert.equal(drive.took('signal').filter((order) => order.startsWith('kill')).length, 6);
  });

  test('in every state leads to the end, with everything told to stop that runs', () => {
    const event = fc.oneof(
      fc.constantFrom<RunEvent>(
        { type: 'opened', clashes: [] },
        { type: 'smoke-test-passed' },
        { type: 'cancel', by: 'SIGTERM' },
        { type: 'node-lost', node: 'n1', why: 'gone' },
        { type: 'asked-all' },
        { type: 'suspect', id: 'decode-0', why: 'it generates no token' },
      ),
      fc.record({ type: fc.constant('ready' as const), id: fc.constantFrom(...FLEET.processes.map(({ id }) => id)) }),
      fc.record({ type: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 400_000 }) }),
      fc.record({
        type: fc.constant('ends' as const),
        id: fc.constantFrom(...FLEET.processes.map(({ id }) => id)),
        code: fc.integer({ min: 0, max: 2 }),
      }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const drive = new Drive();
        let stopping = false;
        const check = (): void => {
          for (const order of drive.orders) {
            assert.ok(!(stopping && order.do === 'start'), 'something was started while everything was being stopped');
            if (order.do === 'signal') assert.notEqual(drive.machine.records.get(order.id)?.state, 'waiting');
          }
          stopping = drive.machine.state === 'stopping';
          drive.orders = drive.orders.filter((order) => order.do === 'close');
        };
        for (const one of events) {
          const record = 'id' in one ? drive.machine.records.get(one.id ?? '') : undefined;
          if (one.type === 'pass') drive.pass(one.ms);
          // Only what runs can become ready or end.
          else if (one.type === 'ready') record?.lives && drive.ready(one.id);
          else if (one.type === 'ends') record?.lives && drive.started(one.id).ends(one.id, one.code);
          else drive.hear(one as RunEvent);
          check();
        }
        drive.hear({ type: 'cancel', by: 'SIGTERM' }, { type: 'cancel', by: 'SIGTERM' }, { type: 'cancel', by: 'SIGTERM' }).pass(60_000);
        assert.ok(drive.machine.state === 'ended' || drive.orders.some((order) => order.do === 'close'), drive.machine.state);
        drive.hear({ type: 'closed', leftovers: [] });
        assert.equal(drive.machine.state, 'ended');
        assert.notEqual(drive.machine.outcome, null);
      }),
      { numRuns: 200 },
    );
  });
});

test('a report of what was waited for in vain has its last words of then, not those of its end', () => {
  const drive = new Drive().hear({ type: 'opened', clashes: [] }).started('prefill-0', 'decode-0').says('prefill-0', 'loading');
  drive.pass(61_000).says('prefill-0', 'SIGTERM received').stopsAll();
  assert.equal(drive.machine.report?.process, 'prefill-0');
  assert.deepEqual(drive.machine.report?.lastLines, ['loading']);
});

describe('etcd that is out of reach', () => {
  const DYNAMO = planOf([
    planned('etcd', { ready: WEB }),
    planned('decode-0', { ready: WEB }),
    planned('prefill-0', { ready: WEB }),
    planned('frontend-0', { ready: WEB }),
  ]);
  const LOST = 'ERROR dynamo_runtime::transports::etcd::lease: Unable to maintain lease. Check etcd server status';

  function serving(): Drive {
    const drive = new Drive(DYNAMO).hear({ type: 'opened', clashes: [] });
    return drive.ready('etcd').ready('decode-0', 'prefill-0').ready('frontend-0').hear({ type: 'smoke-test-passed' });
  }

  test('is named as the cause although it lives and everybody else ends with 0', () => {
    const { report, outcome } = serving().says('prefill-0', LOST).ends('prefill-0').stopsAll().machine;
    assert.equal(outcome, 'running');
    assert.equal(report?.process, 'etcd');
    assert.match(report.summary, /^etcd on n0 did not answer for longer than its lease, .*: prefill-0 on n0 exited with status 0 while/);
    assert.match(report.hints.join(), /ETCD_LEASE_TTL/);
  });

  test('is not blamed for who ends without having lost it', () => {
    assert.equal(serving().ends('prefill-0').stopsAll().machine.report?.process, 'prefill-0');
  });
});

test('a process whose log tells readiness is ready once, even if its line is heard before its start', () => {
  const plan = planOf([planned('service', { ready: { kind: 'log', pattern: 'up and' } }), planned('router-0', { ready: WEB })]);
  for (const isEarly of [true, false]) {
    const drive = new Drive(plan).hear({ type: 'opened', clashes: [] });
    if (isEarly) drive.says('service', 'up and running').started('service');
    else drive.started('service').says('service', 'up and running').says('service', 'up and idle');
    const states = drive.orders.flatMap((effect) =>
      effect.do === 'tell' && effect.notice.type === 'process' && effect.notice.id === 'service' ? [effect.notice.state] : [],
    );
    assert.deepEqual(states, ['starting', 'starting', 'ready']);
    assert.deepEqual(drive.took('start'), ['service', 'router-0']);
  }
});

test('images come before infrastructure, and a failed import ends the run', () => {
  const image = planned('task-0', { role: 'task', tier: -1, ready: { kind: 'done' } });
  const plan = planOf([planned('etcd', { ready: WEB }), image, planned('prefill-0', { ready: WEB })]);
  const good = new Drive(plan).hear({ type: 'opened', clashes: [] }).started('task-0').ends('task-0').ready('etcd');
  assert.deepEqual(good.took('start'), ['task-0', 'etcd', 'prefill-0']);
  const bad = new Drive(plan).hear({ type: 'opened', clashes: [] }).started('task-0').ends('task-0', 3).pass(1000).stopsAll();
  assert.equal(bad.machine.outcome, 'start');
  assert.deepEqual(
    [...bad.machine.records.values()].map(({ state }) => state),
    ['waiting', 'ended', 'waiting'],
  );
});
