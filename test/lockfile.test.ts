// `npm ci` can install what package-lock.json says.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { ROOT } from './support/program.ts';

interface Locked {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as { packages: Record<string, Locked> };

it('the lock file has every package that another one asks for, those of other platforms too: npm 11 installs from no other', () => {
  const missing: string[] = [];
  for (const [path, { dependencies = {}, optionalDependencies = {} }] of Object.entries(lock.packages)) {
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const places = [`${path}/node_modules/${name}`, `node_modules/${name}`];
      if (!places.some((place) => lock.packages[place] !== undefined)) missing.push(`${name}, of ${path}`);
    }
  }
  assert.deepEqual(missing, []);
  assert.ok(Object.keys(lock.packages).length > 50);
});

it('the lock file is that of this package.json', () => {
  const root = lock.packages[''] as Record<string, unknown>;
  for (const key of ['version', 'dependencies', 'devDependencies', 'engines']) assert.deepEqual(root[key], manifest[key], key);
});
