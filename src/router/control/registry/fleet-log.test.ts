import assert from 'node:assert/strict';
import test from 'node:test';
import { RecordingLogger } from '../../../../test/support/recording-logger.ts';
import { FleetCell } from '../../../base/core/fleet.ts';
import { LoadTable } from '../../../base/core/load.ts';
import { parseWorkerAddress } from '../../../base/core/worker-address.ts';
import { FakeClock } from '../../../base/runtime/fake-clock.ts';
import { createRng } from '../../../base/runtime/rng.ts';
import { FleetLog } from './fleet-log.ts';
import { Registry } from './registry.ts';
import type { Source } from './source.ts';
import { DEFAULT_OPTIONS } from './worker-options.ts';

const API: Source = { name: 'the control API', label: 'manual', isLasting: false };
const FILE: Source = { name: 'the file workers', label: 'static', isLasting: true };

test('each event of a worker is one line, and registrations and probes are counted by source and result', () => {
  const parsed = parseWorkerAddress('http://a:1');
  assert.ok(parsed.ok);
  const logger = new RecordingLogger();
  const counted: string[] = [];
  const registry = new Registry({
    cell: new FleetCell(),
    load: new LoadTable(),
    rng: createRng(1),
    clock: new FakeClock(),
    isDpAware: true,
  });
  registry.observe(
    new FleetLog(logger, {
      registered: (source) => void counted.push(`registered ${source}`),
      deregistered: (source) => void counted.push(`deregistered ${source}`),
      probed: (type, hasPassed) => void counted.push(`probed ${type} ${hasPassed}`),
      hung: () => {},
      breakerChanged: (worker, from, to) => void counted.push(`breaker of ${worker} ${from} ${to}`),
    }),
  );
  const [result] = registry.desire(API, [{ address: parsed.address, options: DEFAULT_OPTIONS }]);
  assert.ok(result?.kind === 'added');
  const { record } = result;
  registry.probeEnded(record, 'probe-refused', 'ECONNREFUSED');
  registry.probeEnded(record, 'probe-passed', '/ready answered 200');
  registry.ranksMissing(record, 'no answer to /server_info');
  registry.factsDiscovered(record, { modelId: null, dpSize: 2, maxRunningRequests: null, metadata: {} });
  registry.attemptEnded(record.worker.index, { kind: 'connect-failed', status: 0 });
  registry.remove(record, API);
  registry.desire(FILE, [{ address: parsed.address, options: DEFAULT_OPTIONS }]);
  registry.desire(FILE, []);
  assert.deepEqual(
    logger.records.map(({ level, message, fields }) => [
      level,
      message,
      fields['because'] ?? fields['why'] ?? fields['detail'] ?? fields['source'],
    ]),
    [
      ['info', 'worker added', 'manual'],
      ['debug', 'probe did not pass', 'ECONNREFUSED'],
      ['info', 'worker is up; it is asked for its data-parallel ranks', 'probe-passed'],
      ['warn', 'worker takes no requests: its data-parallel ranks are not known', 'no answer to /server_info'],
      ['info', 'worker takes requests', 'ranks-known'],
      ['warn', 'worker takes no requests', 'attempt-unreachable'],
      ['info', 'worker removed', 'manual'],
      ['info', 'worker added', 'static'],
      ['info', 'worker removed', 'static'],
    ],
  );
  assert.deepEqual(counted, [
    'registered manual',
    'probed regular false',
    'probed regular true',
    'deregistered manual',
    'registered static',
    'deregistered static',
  ]);
});
