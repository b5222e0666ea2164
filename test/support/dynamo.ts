/** What tests with the real Dynamo begin with: where it is. */
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
