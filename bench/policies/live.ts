/**
 * Policies compared over sockets, in real time: routers in front of simulated engines, with the traffic of the simulator. It is the proof
 * that what `router simulate` shows holds for the whole program. Engines of this speed need little CPU, but not none: on a busy machine times of all
 * policies grow.
 *
 *   node .build/bench/policies/live.js --traffic unshared,hot-prefix --policies round_robin,cache_aware,least_wait --seeds 1,2,3
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Agent, fetch } from 'undici';
import { createRng } from '../../src/base/runtime/rng.ts';
import { quantileOf } from '../../src/simulate/measures.ts';
import { PromptText } from '../../src/simulate/prompt-text.ts';
import { Draws } from '../../src/simulate/traffic/draws.ts';
import { TRAFFIC_KINDS } from '../../src/simulate/traffic/kinds.ts';
import type { Conversation, Turn } from '../../src/simulate/traffic/traffic.ts';

const { values } = parseArgs({
  options: {
    traffic: { type: 'string', default: 'unshared,hot-prefix' },
    policies: { type: 'string', default: 'round_robin,cache_aware,least_wait' },
    seeds: { type: 'string', default: '1,2,3' },
    workers: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '40' },
    load: { type: 'string', default: '1' },
  },
});
const WORKERS = Number(values.workers);
/** A simulated engine has a token for each byte, the simulator one for four. */
const ENGINE = [
  ...['--prefill-tokens-per-sec', '36000', '--step-overhead-ms', '8', '--chunked-prefill-size', '32768', '--kv-tokens', '2400000'],
  ...['--itl-ms', '40', '--itl-per-request-ms', '0.4', '--stream-interval', '4', '--context-length', '1000000', '--log-level', 'error'],
];
const children: ChildProcess[] = [];
const agent = new Agent({ connections: 512, headersTimeout: 0, bodyTimeout: 0 });

/** Resolves with the first match of `pattern` in what the program prints. */
async function start(file: string, args: readonly string[], pattern: RegExp): Promise<{ child: ChildProcess; found: string }> {
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  child.stderr.resume();
  for await (const line of createInterface({ input: child.stdout })) {
    const [, found] = pattern.exec(line) ?? [];
    if (found === undefined) continue;
    child.stdout.resume();
    return { child, found };
  }
  throw new Error(`${file} ended before it was ready`);
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

interface Run {
  readonly ttfts: number[];
  readonly e2es: number[];
  promptTokens: number;
  cachedTokens: number;
  failed: number;
}

/** Sends the request and reads its stream; returns the text of the answer. */
async function ask(url: string, text: PromptText, { answerTokens }: Turn, run: Run): Promise<string> {
  const messages = text.body.toString('latin1', 0, text.ranges[1]);
  const body = `{"model":"tiny","stream":true,"stream_options":{"include_usage":true},"ignore_eos":true,"max_tokens":${answerTokens},"messages":${messages}}`;
  const startMs = performance.now();
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
    dispatcher: agent,
  });
  if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
  let firstMs = 0;
  let stream = '';
  const decoder = new TextDecoder();
  for await (const piece of response.body) {
    firstMs ||= performance.now();
    stream += decoder.decode(piece as Uint8Array, { stream: true });
  }
  run.ttfts.push(firstMs - startMs);
  run.e2es.push(performance.now() - startMs);
  run.promptTokens += Number(/.*"prompt_tokens":(\d+)/s.exec(stream)?.[1] ?? 0);
  run.cachedTokens += Number(/.*"cached_tokens":(\d+)/s.exec(stream)?.[1] ?? 0);
  return [...stream.matchAll(/"delta":\{[^}]*"content":"((?:[^"\\]|\\.)*)"/g)].map(([, words]) => words).join('');
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));

async function converse(url: string, { atMs, turns }: Conversation, startMs: number, run: Run): Promise<void> {
  await pause(startMs + atMs - performance.now());
  const text = new PromptText();
  try {
    for (const turn of turns) {
      await pause(turn.afterMs);
      text.ask(turn.pieces);
      text.answerText(await ask(url, text, turn, run));
    }
  } catch {
    run.failed++;
  }
}

async function measure(kind: (typeof TRAFFIC_KINDS)[number], policy: string, seed: number): Promise<Run> {
  const engines = await Promise.all(
    Array.from({ length: WORKERS }, () => start('dist/bin/sim.js', ['--port', '0', '--json', ...ENGINE], /"ready":"([^"]+)"/)),
  );
  const router = await start(
    'dist/bin/router.js',
    [
      ...[
        '--port',
        '0',
        '--prometheus-port',
        '0',
        '--access-log',
        'off',
        '--log-format',
        'json',
        '--log-level',
        'info',
        '--policy',
        policy,
      ],
      ...['--worker-urls', ...engines.map(({ found }) => found)],
    ],
    /"port":(\d+).*"msg":"router listens"/,
  );
  const url = `http://127.0.0.1:${router.found}`;
  const run: Run = { ttfts: [], e2es: [], promptTokens: 0, cachedTokens: 0, failed: 0 };
  const size = { seconds: Number(values.seconds), workers: WORKERS, load: Number(values.load) };
  const { conversations } = kind.generate(new Draws(createRng(seed)), size);
  const startMs = performance.now();
  await Promise.all(conversations.map((conversation) => converse(url, conversation, startMs, run)));
  await Promise.all([router, ...engines].map(({ child }) => stop(child)));
  return run;
}

try {
  process.stdout.write('| traffic | policy | seed | requests | failed | TTFT p50 | TTFT p99 | E2E p50 | hits |\n');
  process.stdout.write('| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n');
  for (const name of values.traffic.split(',')) {
    const kind = TRAFFIC_KINDS.find((one) => one.name === name);
    if (kind === undefined) throw new Error(`${name}: no such traffic`);
    for (const seed of values.seeds.split(',').map(Number)) {
      for (const policy of values.policies.split(',')) {
        const { ttfts, e2es, promptTokens, cachedTokens, failed } = await measure(kind, policy, seed);
        const seconds = (times: readonly number[], share: number): string => (quantileOf(times, share) / 1000).toFixed(2);
        process.stdout.write(
          `| ${name} | ${policy} | ${seed} | ${ttfts.length} | ${failed} | ${seconds(ttfts, 0.5)} | ${seconds(ttfts, 0.99)} | ${seconds(e2es, 0.5)} | ${(cachedTokens / Math.max(1, promptTokens)).toFixed(3)} |\n`,
        );
      }
    }
  }
} finally {
  for (const child of children) child.kill('SIGKILL');
  await agent.close();
}
