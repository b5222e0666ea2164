import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { z } from 'zod';
import { configText, defaultsOf } from '../../src/router/config/load-config.ts';

// Read back by the other direction of the library, it must judge files as the router does.
const schema = z.fromJSONSchema(JSON.parse(readFileSync('docs/config.schema.json', 'utf8')) as Parameters<typeof z.fromJSONSchema>[0]);
const taken = (file: unknown): boolean => schema.safeParse(file).success;

test('the configuration in force is valid', () => {
  assert.ok(taken(JSON.parse(configText(defaultsOf('seed')))));
  assert.ok(taken({}));
});

const VALID: readonly object[] = [
  { 'worker-urls': ['http://a'] },
  { worker_urls: 'http://a,http://b' },
  { 'log-level': 'warning' },
  { seed: null },
  { 'disable-retries': true },
  { eviction_interval: 60 },
  { backend: 'sglang' },
  { retry_max_retries: 1 },
];
for (const file of VALID) test(`${JSON.stringify(file)} is valid`, () => assert.ok(taken(file)));

const INVALID: readonly object[] = [
  { port: 'x' },
  { port: 65536 },
  { port: null },
  { 'worker-url': 'http://a' },
  { policy: 'magic' },
  { 'service-discovery': true },
  { 'enable-trace': true },
  { config: 'x' },
  { 'worker-urls': [1] },
  { verbose: true },
];
for (const file of INVALID) test(`${JSON.stringify(file)} is not valid`, () => assert.ok(!taken(file)));
