import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SETTING_ENTRIES } from './catalogue.ts';
import { findChanges } from './config-changes.ts';
import { defaultsOf } from './load-config.ts';
import type { ConfigKey } from './schema.ts';

const BEFORE = defaultsOf('seed');
const place = (key: ConfigKey): string => `place of ${key}`;

test('nothing differs between equal configurations', () => {
  assert.deepEqual(findChanges(BEFORE, defaultsOf('seed'), place), { changed: [], refused: [] });
});

for (const { key, flag, setting } of SETTING_ENTRIES) {
  const isReloadable = setting.built && setting.reloadable === true;
  test(`${flag} is ${isReloadable ? '' : 'not '}changed by a reload`, () => {
    const other = Array.isArray(BEFORE[key as ConfigKey]) ? [{ url: 'x', address: { url: 'x' }, bootstrapPort: null }] : 'x';
    const { changed, refused } = findChanges(BEFORE, { ...BEFORE, [key]: other }, place);
    assert.deepEqual(changed, [flag]);
    assert.deepEqual(
      refused.map((problem) => [problem.flag, problem.source]),
      isReloadable ? [] : [[flag, `place of ${key}`]],
    );
  });
}

test('another file of classes with the same classes changes, and the same file with others', () => {
  const [first, ...rest] = BEFORE.priorityClasses;
  assert.ok(first !== undefined);
  const { changed } = findChanges(BEFORE, { ...BEFORE, priorityClasses: [{ ...first, weight: 1 }, ...rest] }, place);
  assert.deepEqual(changed, ['--priority-scheduler-config']);
});

test('the values of secrets are not shown', () => {
  const { refused } = findChanges({ ...BEFORE, apiKey: 'before' }, { ...BEFORE, apiKey: 'after' }, place);
  assert.equal(refused[0]?.flag, '--api-key');
  assert.doesNotMatch(JSON.stringify(refused), /before|after/);
});
