import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { flagOf, SIM_OPTION_NAMES, SIM_OPTIONS, type SimOption, type SimOptionName } from '../engine/options.ts';
import { parseCommandLine } from './command-line.ts';

/** Flags without which others are refused. */
const COMPANIONS: Partial<Record<SimOptionName, readonly string[]>> = {
  nnodes: ['--dist-init-addr', '127.0.0.1:5000'],
  nodeRank: ['--nnodes', '2', '--dist-init-addr', '127.0.0.1:5000'],
};

function valueFor(option: SimOption): boolean | string | number {
  switch (option.kind) {
    case 'switch':
      return true;
    case 'text':
      return 'some';
    case 'choice':
      return option.values.at(-1) ?? '';
    default:
      return Math.min(option.least + 1, option.most);
  }
}

test('--help names every flag with its default; the manual too', () => {
  const help = parseCommandLine(['--help']);
  assert.ok(help.kind === 'help');
  const manual = readFileSync('docs/sglang-sim.md', 'utf8').replaceAll(/ +/g, ' ');
  for (const name of SIM_OPTION_NAMES) {
    assert.ok(help.text.includes(`  ${flagOf(name)}`), flagOf(name));
    const option = SIM_OPTIONS[name];
    const shown = option.kind === 'switch' || option.default === '' ? '' : `${option.default} `;
    assert.ok(manual.includes(`| \`${flagOf(name)}\` | ${shown}| ${option.help} |`), `${flagOf(name)} in the manual`);
  }
  assert.match(help.text, /--kv-tokens <number>\s+KV cache, tokens \[default: 524288\]/);
});

test('every flag reaches its option, with a space or an equals sign, and so do the names SGLang uses', () => {
  for (const name of SIM_OPTION_NAMES) {
    const option: SimOption = SIM_OPTIONS[name];
    const value = valueFor(option);
    const forms = option.kind === 'switch' ? [[flagOf(name)]] : [[flagOf(name), String(value)], [`${flagOf(name)}=${value}`]];
    for (const form of forms) {
      const parsed = parseCommandLine([...form, ...(COMPANIONS[name] ?? [])]);
      assert.ok(parsed.kind === 'run', JSON.stringify(parsed));
      assert.equal(parsed.command.options[name], value);
    }
  }
  const parsed = parseCommandLine(['--model', 'm', '--max-total-tokens=100', '--random-seed', '3']);
  assert.deepEqual(parsed.kind === 'run' && parsed.command.options, { modelPath: 'm', kvTokens: 100, seed: 3 });
});

test('a launch command of SGLang runs unchanged: what means nothing here is listed', () => {
  const args = '--model-path m --tp 8 --mem-fraction-static 0.8 --cuda-graph-bs 1 2 4 --trust-remote-code --enable-metrics';
  const more = '--speculative-num-steps=3 --chunked-prefill-size -1 --port 1234 --enable-something-new';
  const parsed = parseCommandLine(`${args} ${more}`.split(' '));
  assert.ok(parsed.kind === 'run', JSON.stringify(parsed));
  assert.deepEqual(parsed.command.options, { modelPath: 'm', tpSize: 8, chunkedPrefillSize: -1, port: 1234 });
  assert.deepEqual(parsed.command.ignored, [
    '--mem-fraction-static 0.8',
    '--cuda-graph-bs 1 2 4',
    '--trust-remote-code',
    '--speculative-num-steps 3',
    '--enable-something-new',
  ]);
});

test('--ignore-unknown skips flags that nobody has', () => {
  const parsed = parseCommandLine(['--prot', '8', '--port', '1234', '--ignore-unknown', '--whatever=1']);
  assert.ok(parsed.kind === 'run', JSON.stringify(parsed));
  assert.deepEqual(parsed.command.options, { port: 1234 });
  assert.deepEqual(parsed.command.ignored, ['--prot 8', '--whatever 1']);
});

test('variables of the real engine set the waits of a pair; flags go before them', () => {
  const env = { SGLANG_DISAGGREGATION_BOOTSTRAP_TIMEOUT: '15', SGLANG_DISAGGREGATION_WAITING_TIMEOUT: '20' };
  const parsed = parseCommandLine(['--disaggregation-waiting-timeout-secs', '3'], env);
  assert.ok(parsed.kind === 'run', JSON.stringify(parsed));
  assert.deepEqual(parsed.command.options, { disaggregationBootstrapTimeoutSecs: 15, disaggregationWaitingTimeoutSecs: 3 });
  const bad = parseCommandLine([], { SGLANG_DISAGGREGATION_HEARTBEAT_MAX_FAILURE: 'often' });
  assert.ok(bad.kind === 'bad');
  assert.match(bad.problems[0] ?? '', /^SGLANG_DISAGGREGATION_HEARTBEAT_MAX_FAILURE "often": expected a whole number/);
});

test('ranks and nodes have to agree', () => {
  const parsed = parseCommandLine(['--nnodes', '2', '--node-rank', '2']);
  assert.ok(parsed.kind === 'bad');
  assert.deepEqual(parsed.problems, ['nodeRank 2: expected less than nnodes (2)', 'distInitAddr "": expected HOST:PORT, as nnodes is 2']);
});
