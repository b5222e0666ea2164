/** What package.json promises is there after a build. */
import assert from 'node:assert/strict';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

interface Manifest {
  readonly name: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>;
}

// Tests run in the root of the project, after the build.
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;

test('every program is built, executable, and begins with the line that names Node', () => {
  assert.deepEqual(Object.keys(manifest.bin).sort(), ['router', 'sglang-router', 'sglang-sim', 'srtctl']);
  for (const file of Object.values(manifest.bin)) {
    accessSync(file, constants.X_OK);
    assert.match(readFileSync(file, 'utf8'), /^#!\/usr\/bin\/env node\n/);
  }
});

test('the package can be imported by its name and starts a router that a program can stop', async () => {
  for (const { types, default: code } of Object.values(manifest.exports)) assert.ok(existsSync(types) && existsSync(code));
  const surface = (await import(manifest.name)) as typeof import('../src/index.ts');
  const loaded = surface.loadConfig({ argv: ['--port', '0', '--prometheus-port', '0'], env: {}, readFile: () => '' });
  assert.ok(loaded.kind === 'config');
  const runtime = { clock: surface.realClock, rng: surface.createRng(1), logger: surface.SILENT_LOGGER };
  const router = await surface.startRouter(loaded.config, runtime, false);
  assert.ok(router.address.port > 0);
  assert.equal(await router.stop(), 0);
});
