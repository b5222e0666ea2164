/** What tests with the real Dynamo begin with: where it is, and a model directory for it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { tinyModelFiles } from '../../src/srtctl/launch/tiny-model.ts';
import { type Dynamo, findDynamo } from '../../tools/dynamo/environment.ts';

/**
 * `skip` is text for node:test, or false, and `env` what srtctl is to be started with. In continuous integration a missing Dynamo is a
 * failure, unless TESTS_WITHOUT_DYNAMO is set.
 */
export async function dynamoOrSkip(): Promise<{ readonly skip: string | false; readonly env: Readonly<Record<string, string>> }> {
  const found: Dynamo | string = await findDynamo();
  if (typeof found !== 'string') return { skip: false, env: found.env };
  if (process.env['CI'] !== undefined && process.env['TESTS_WITHOUT_DYNAMO'] === undefined)
    throw new Error(`continuous integration must run the tests of Dynamo, and cannot: ${found}`);
  process.stderr.write(`\n*** THE TESTS OF DYNAMO ARE SKIPPED: ${found} ***\n\n`);
  return { skip: found, env: {} };
}

/** An absolute path for `model.path`; removed when the test process ends. */
export function tinyModel(): string {
  const directory = path.join(mkdtempSync(path.join(tmpdir(), 'dynamo-model-')), 'tiny');
  mkdirSync(directory);
  for (const [name, text] of Object.entries(tinyModelFiles())) writeFileSync(path.join(directory, name), text);
  process.once('exit', () => rmSync(path.dirname(directory), { recursive: true, force: true }));
  return directory;
}
