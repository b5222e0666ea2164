// Benchmarks that score answers, with a stand-in for the tool of SGLang.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { ROOT } from './support/program.ts';
import { SrtctlRun } from './support/srtctl-run.ts';

const PYTHONPATH = path.join(ROOT, 'test/fixtures/python');
/** The tool names its file in /tmp after the model. */
const MODEL = `scored-${process.pid}`;

function questions(t: TestContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'srtctl-scored-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  t.after(() => rmSync(`/tmp/gsm8k_${MODEL}.json`, { force: true }));
  const file = path.join(directory, 'test.jsonl');
  const lines = Array.from({ length: 6 }, (_, index) => ({ question: `What is ${index} + ${index}?`, answer: `#### ${2 * index}` }));
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return file;
}

const applied = (t: TestContext, benchmark: string): Promise<SrtctlRun> =>
  SrtctlRun.apply(t, 'quickstart', {
    set: [`model.path=${MODEL}`, 'backend.enable_multiple_frontends=false', `benchmark=${benchmark}`],
    env: { PYTHONPATH },
  });

test('gsm8k is asked through the fleet, and its score is shown and kept', async (t) => {
  const file = questions(t);
  const run = await applied(t, `{type: gsm8k, dataset_path: ${file}, num_examples: 4, num_shots: 2, max_tokens: 8, num_threads: 2}`);
  assert.deepEqual(await run.end(), { code: 0, signal: null }, run.program.stdout + run.program.stderr);
  const [, shown = ''] = /^gsm8k: score (\d\.\d{3}), \d+ out tok\/s$/m.exec(run.program.stdout) ?? assert.fail(run.program.stdout);
  const folder = path.join(await run.directory(), 'results', 'gsm8k');
  assert.deepEqual(readdirSync(folder).sort(), [`gsm8k_${MODEL}.json`, 'summary.txt', 'tool.log']);
  const { score } = JSON.parse(readFileSync(path.join(folder, `gsm8k_${MODEL}.json`), 'utf8')) as { score: number };
  assert.equal(score.toFixed(3), shown);
  assert.match(readFileSync(path.join(folder, 'summary.txt'), 'utf8'), /^gsm8k: score/);
});

test('a tool that fails fails the run, and its last lines say why', async (t) => {
  const run = await applied(t, '{type: gsm8k, dataset_path: /no/such.jsonl, num_examples: 4}');
  assert.equal((await run.end()).code, 6);
  assert.match(run.program.stderr, /No such file or directory: '\/no\/such\.jsonl'/);
});
