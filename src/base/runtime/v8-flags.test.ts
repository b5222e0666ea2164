import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RELAYING_FLAGS } from './v8-flags.ts';

/** Without a word to the user: V8 prints an error for a flag that it does not know. */
test('this Node knows every flag that the router sets', () => {
  const script = `import { tuneForRelaying } from ${JSON.stringify(fileURLToPath(new URL('./v8-flags.js', import.meta.url)))}; tuneForRelaying();`;
  const run = (text: string) => spawnSync(process.execPath, ['--input-type=module', '-e', text], { encoding: 'utf8' });
  const { status, stderr } = run(script);
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(run("import v8 from 'node:v8'; v8.setFlagsFromString('--no-such-flag')").stderr, /unrecognized flag --no-such-flag/);
  assert.ok(RELAYING_FLAGS.length > 0);
});
