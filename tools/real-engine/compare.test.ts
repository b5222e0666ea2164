/** The whole tool, with one simulation in the place of the engine: it must not rot while nobody has an engine at hand. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { findFreePort, Programs } from './processes.ts';
import { ROOT } from './stage.ts';

async function startSim(t: TestContext, args: readonly string[]): Promise<string> {
  const programs = new Programs();
  t.after(() => programs.stopAll());
  const port = await findFreePort();
  const names = ['--model-path', 'tiny', '--served-model-name', 'tiny', '--context-length', '4096', '--mean-output-tokens', '0'];
  const all = [join(ROOT, 'dist/bin/sim.js'), '--port', String(port), '--chunked-prefill-size', '2048', ...names, ...args];
  const how = {
    name: 'stand-in',
    command: process.execPath,
    args: all,
    port,
    readyPath: '/ready',
    deadlineMs: 20_000,
    logFile: '/dev/null',
  };
  return (await programs.start(how, t.signal)).url;
}

function compare(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(ROOT, '.build/tools/real-engine/compare.js'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (part: string) => {
        output += part;
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

const FEW = ['--no-scenarios', '--only', 'completions'];

test('finds no unexplained difference between two simulations, directly and routed', async (t) => {
  const url = await startSim(t, ['--faithful']);
  const { code, output } = await compare(['--engine', url, ...FEW]);
  assert.equal(code, 0, output);
  assert.match(output, /[1-9]\d* cases, [1-9]\d* comparisons/);
});

test('fails on an engine that leaves out the cached tokens, and names the key', async (t) => {
  const url = await startSim(t, ['--faithful', '--disable-cache-report']);
  const { code, output } = await compare(['--engine', url, '--no-router', ...FEW]);
  assert.equal(code, 1, output);
  assert.match(output, /UNEXPLAINED completions \[simulation\]: key only in B: usage\.prompt_tokens_details\.cached_tokens:number/);
});

test('comparing nothing is a failure', async (t) => {
  const url = await startSim(t, []);
  const { code, output } = await compare(['--engine', url, '--only', 'no such case']);
  assert.equal(code, 1, output);
  assert.match(output, /no case has/);
});

test('a wrong command line is told apart from a difference', async () => {
  const { code, output } = await compare([]);
  assert.equal(code, 2, output);
  assert.match(output, /usage: /);
});
