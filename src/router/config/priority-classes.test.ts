import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readPriorityFile, STANDARD_CLASSES } from './priority-classes.ts';
import { formatProblems } from './problem.ts';

const problemsOf = (text: string): string[] =>
  formatProblems(readPriorityFile('p.yaml', text).problems)
    .split('\n')
    .filter((line) => line.startsWith('  '))
    .map((line) => line.trim());

describe('the file of priority classes', () => {
  test('changes what it names and keeps the rest', () => {
    const { classes, problems } = readPriorityFile(
      'p.yaml',
      'classes:\n  bulk:\n    queue_size: 7\n    weight: 0.5\n  interactive: { reserved_per_slot: 0.5, reserved_floor: 0, queue_timeout_secs: 2.5 }\n  system:\n',
    );
    assert.deepEqual(problems, []);
    const [system, interactive, standard, bulk] = STANDARD_CLASSES;
    assert.deepEqual(classes, [
      system,
      { ...interactive, reservedShare: 0.5, reservedFloor: 0, queueTimeoutSecs: 2.5 },
      standard,
      { ...bulk, queueSize: 7, weight: 0.5 },
    ]);
  });

  test('may be empty', () => {
    for (const text of ['', '# nothing\n', 'classes:\n']) {
      assert.deepEqual(readPriorityFile('p.yaml', text), { classes: STANDARD_CLASSES, problems: [] });
    }
  });

  test('is told all that is wrong with it, with the place', () => {
    assert.deepEqual(
      problemsOf(
        'classes:\n  fast: {}\n  bulk:\n    queue_size: -1\n    queue_timeout_secs: 0\n    weight: heavy\n    can_fly: true\n    reserved_per_slot: 2\ntenant_policies: {}\nclass: {}\n',
      ),
      [
        'classes.fast (p.yaml:2:3): expected one of system, interactive, default, bulk',
        'classes.bulk.queue_size "-1" (p.yaml:4:17): expected an integer from 0 to 1000000',
        'classes.bulk.queue_timeout_secs "0" (p.yaml:5:25): expected a number above 0, at most 2147483',
        'classes.bulk.weight "heavy" (p.yaml:6:13): expected a number above 0',
        'classes.bulk.can_fly (p.yaml:7:5): expected one of reserved_floor, reserved_per_slot, queue_size, queue_timeout_secs, starvation_threshold_secs, weight',
        'classes.bulk.reserved_per_slot "2" (p.yaml:8:24): expected a number from 0 to 1',
        'tenant_policies (p.yaml:9:1): expected to be left out (tenants are not available in this version yet)',
        'class (p.yaml:10:1): expected classes',
      ],
    );
    assert.match(problemsOf('classes: [')[0] ?? '', /^--priority-scheduler-config \(p\.yaml:\d+:\d+\): expected valid YAML/);
    assert.deepEqual(problemsOf('- a\n'), ['--priority-scheduler-config (p.yaml:1:1): expected keys and values']);
  });
});
