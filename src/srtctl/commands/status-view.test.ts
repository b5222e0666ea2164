import assert from 'node:assert/strict';
import test from 'node:test';
import pc from 'picocolors';
import type { ProcessStatus, StatusFile } from '../supervise/run-directory.ts';
import { duration, statusView } from './status-view.ts';

const STARTED = '2026-01-01T00:00:00.000Z';
const NOW_MS = Date.parse(STARTED) + 12_300;
const OPTIONS = { colors: pc.createColors(false), width: 100, height: 40, nowMs: NOW_MS };

function processWith(some: Partial<ProcessStatus>): ProcessStatus {
  return {
    id: 'prefill-0',
    role: 'prefill',
    node: 'n0',
    tier: 1,
    state: 'ready',
    pid: 1,
    log: 'logs/a',
    detail: null,
    lastLine: null,
    startedAt: STARTED,
    readyAt: null,
    silentSince: null,
    endedAt: null,
    exitCode: null,
    signal: null,
    ...some,
  };
}

function statusWith(some: Partial<StatusFile>): StatusFile {
  return {
    version: 1,
    id: 'quickstart-1',
    name: 'quickstart',
    state: 'starting',
    tier: 1,
    outcome: null,
    exitCode: null,
    startedAt: STARTED,
    updatedAt: STARTED,
    endedAt: null,
    endpoint: 'http://127.0.0.10:8000',
    nodes: [],
    supervisor: { pid: 1, startTime: null, host: 'h', bootId: null },
    processes: [],
    report: null,
    ...some,
  };
}

test('the view has a line for each process, in the order of starting', () => {
  const status = statusWith({
    processes: [
      processWith({ id: 'nginx', role: 'nginx', tier: 3, state: 'waiting', startedAt: null }),
      processWith({ lastLine: 'loading weights 3/8' }),
      processWith({ id: 'decode-0', role: 'decode', node: 'n1', state: 'starting', detail: 'no answer on /health yet', lastLine: 'x' }),
    ],
  });
  assert.equal(
    statusView(status, OPTIONS),
    [
      'quickstart-1  starting  12 s  http://127.0.0.10:8000',
      '  workers  prefill-0  n0  ready     12 s  loading weights 3/8',
      '  workers  decode-0   n1  starting  12 s  no answer on /health yet',
      '  nginx    nginx      n0  waiting',
    ].join('\n'),
  );
});

test('no line is wider than the terminal and no control character reaches it', () => {
  const lastLine = `\u001b[31mred\u001b[0m\ttab\u0007${'x'.repeat(300)}`;
  const view = statusView(statusWith({ processes: [processWith({ lastLine })] }), OPTIONS);
  for (const line of view.split('\n')) {
    assert.ok(line.length <= 100, line);
    for (const letter of line) assert.ok(letter >= ' ' && letter !== '\u007f', JSON.stringify(line));
  }
  assert.match(view, /red tab x+…/);
});

test('the end of a run and of a process are told with their codes', () => {
  const endedAt = '2026-01-01T00:01:05.000Z';
  const processes = [processWith({ state: 'ended', endedAt, exitCode: 3 }), processWith({ state: 'ended', endedAt, signal: 'SIGKILL' })];
  const view = statusView(statusWith({ state: 'ended', outcome: 'running', exitCode: 7, endedAt, processes }), OPTIONS);
  assert.match(view, /failed \(running, exit code 7\) {2}1 m 05 s/);
  assert.match(view, /ended \(3\)/);
  assert.match(view, /ended \(SIGKILL\)/);
});

test('more processes than lines are counted by tier, and those on their way have lines', () => {
  const many = Array.from({ length: 500 }, (_, i) => processWith({ id: `decode-${i}`, state: i % 100 === 7 ? 'starting' : 'ready' }));
  const waiting = processWith({ id: 'nginx', tier: 3, state: 'waiting', startedAt: null });
  const lines = statusView(statusWith({ processes: [...many, waiting] }), { ...OPTIONS, height: 7 }).split('\n');
  assert.deepEqual(lines.slice(1, 3), ['  workers: 495 ready, 5 starting', '  nginx: 1 waiting']);
  assert.deepEqual(
    lines.slice(3).map((line) => line.trim().split(/ +/)[1]),
    ['decode-7', 'decode-107', 'decode-207'],
  );
});

test('a line of JSON is shown by its message', () => {
  const lastLine = '{"level":"info","time":"2026-01-01T00:00:00Z","pid":7,"status":200,"path":"/health","worker":null,"msg":"request"}';
  const view = statusView(statusWith({ processes: [processWith({ lastLine }), processWith({ lastLine: '{"level":' })] }), OPTIONS);
  assert.match(view, /12 s {2}request status=200 path=\/health\n.*12 s {2}\{"level":$/);
});

test('durations are short', () => {
  assert.deepEqual([400, 12_345, 185_000, 7_620_000].map(duration), ['0.4 s', '12 s', '3 m 05 s', '2 h 07 m']);
});
