import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseSimulate, type SimulateOptions } from './command-line.ts';
import { simulate } from './simulate.ts';

function optionsOf(...argv: readonly string[]): SimulateOptions {
  const command = parseSimulate(argv);
  assert.ok(command.kind === 'run', command.kind === 'run' ? '' : command.text);
  return command.options;
}

function run(files: Map<string, string>, ...argv: readonly string[]): string {
  let printed = '';
  simulate(optionsOf(...argv), {
    readFile: (path) => files.get(path) ?? assert.fail(path),
    writeFile: (path, text) => files.set(path, text),
    print: (text) => (printed += text),
  });
  return printed;
}

describe('router simulate', () => {
  it('compares policies on generated traffic and on a file of it alike', () => {
    const files = new Map<string, string>();
    const size = ['--workers', '2', '--seconds', '20', '--seeds', '4'];
    assert.equal(run(files, '--traffic', 'chat', '--write-traffic', 't.jsonl', ...size), '');
    const policies = ['--policies', 'round_robin,least_wait', '--json', 'out.json'];
    const generated = run(files, '--traffic', 'chat', ...policies, ...size).replaceAll('chat   ', 't.jsonl');
    const { comparisons } = JSON.parse(files.get('out.json') ?? '');
    assert.deepEqual(
      comparisons.map(({ policy }: { policy: string }) => policy),
      ['round_robin', 'least_wait'],
    );
    assert.ok(comparisons[0].runs[0].requests > 20);
    assert.match(generated, /^\| traffic \| policy +\| TTFT p50 \| TTFT p99 \|/);
    const fromFile = run(files, '--traffic', 't.jsonl', ...policies, ...size);
    assert.equal(fromFile.split('\n').length, 5);
    const column = (table: string): string[] => table.split('\n').map((line) => line.split('|')[9]?.trim() ?? '');
    assert.deepEqual(column(fromFile).slice(2, 4), column(generated).slice(2, 4), 'the same hits');
  });

  it('shows the spread over seeds', () => {
    const table = run(new Map(), '--traffic', 'unshared', '--workers', '2', '--seconds', '20', '--seeds', '1,2', '--policies', 'random');
    assert.match(table, /\| \d+\.\d\d \(\d+\.\d\d-\d+\.\d\d\) \|/);
  });

  it('knows its flags and refuses what it does not know', () => {
    assert.equal(optionsOf().traffic.length, 7);
    assert.deepEqual(optionsOf('--kv-tokens', '5000').engine.kvTokens, 5000);
    assert.equal(optionsOf('--no-usage').usage, false);
    for (const argv of [['--policies', 'x'], ['--seeds', 'a'], ['--workers', '0'], ['--load', '-1'], ['--nonsense'], ['extra']]) {
      const command = parseSimulate(argv);
      assert.ok(command.kind === 'bad' && command.text.startsWith('error: '), argv[0]);
    }
    const help = parseSimulate(['--help']);
    assert.ok(help.kind === 'help' && help.text.includes('--prefill-tokens-per-sec'));
  });
});
