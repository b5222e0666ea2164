/** `srtctl bench` as a program: against a simulated engine, and against servers that fail. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import type { PointResult } from '../src/srtctl/bench/point-result.ts';
import { Program } from './support/program.ts';

function place(t: TestContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'srtctl-bench-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function startSim(t: TestContext, args: readonly string[] = []): Promise<string> {
  const sim = Program.start(t, 'sim', ['--port', '0', ...args]);
  await sim.says(/ready http/);
  return /ready (\S+)/.exec(sim.stdout)![1]!;
}

/** A server that answers every request as `answer` says. */
async function startServer(t: TestContext, answer: http.RequestListener, bodies: string[] = []): Promise<string> {
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk));
    request.on('end', () => {
      bodies.push(body);
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function bench(t: TestContext, endpoint: string, output: string, args: readonly string[] = []): Program {
  const common = ['--model', 'tiny', '--isl', '200', '--osl', '10', '--concurrencies', '2x4', '--output-dir', output];
  return Program.start(t, 'srtctl', ['bench', '--endpoint', endpoint, ...common, ...args]);
}

function resultOf(output: string, name: string): PointResult {
  return JSON.parse(readFileSync(path.join(output, 'sa-bench_isl_200_osl_10', name), 'utf8')) as PointResult;
}

test('each concurrency is measured in turn, with prompts and answers of the right length', async (t) => {
  const output = place(t);
  const endpoint = await startSim(t, ['--speedup', '20']);
  const program = bench(t, endpoint, output, [
    '--req-rate',
    'inf',
    '--total-gpus',
    '16',
    '--prefill-gpus',
    '8',
    '--decode-gpus',
    '8',
    '--num-prompts-mult',
    '5',
  ]);
  assert.deepEqual(await program.exit(), { code: 0, signal: null }, program.stdout + program.stderr);
  assert.deepEqual(readdirSync(path.join(output, 'sa-bench_isl_200_osl_10')).sort(), [
    'benchmark-rollup.json',
    'results.csv',
    'results_concurrency_2_gpus_16_ctx_8_gen_8.json',
    'results_concurrency_4_gpus_16_ctx_8_gen_8.json',
    'summary.txt',
  ]);
  for (const concurrency of [2, 4]) {
    const result = resultOf(output, `results_concurrency_${concurrency}_gpus_16_ctx_8_gen_8.json`);
    assert.equal(result.max_concurrency, concurrency);
    assert.equal(result.num_prompts, 5 * concurrency);
    assert.equal(result.completed, result.num_prompts);
    assert.equal(result.partial, false);
    for (const tokens of result.input_lens) assert.ok(tokens >= 160 && tokens <= 200, `${tokens}`);
    for (const tokens of result.output_lens) assert.ok(tokens >= 8 && tokens <= 10, `${tokens}`);
    const { mean_ttft_ms, mean_itl_ms, mean_e2el_ms, p99_ttft_ms, median_ttft_ms } = result;
    assert.ok((mean_ttft_ms ?? 0) > 0 && (mean_itl_ms ?? 0) > 0 && (mean_e2el_ms ?? 0) > (mean_ttft_ms ?? 0));
    assert.ok((p99_ttft_ms ?? 0) >= (median_ttft_ms ?? 0));
    assert.deepEqual([result.verdict, result.warnings, result.short_answers], ['ok', [], 0]);
    assert.ok(result.output_throughput > 0 && result.total_token_throughput > result.output_throughput);
    assert.equal(result.itls.length, result.completed);
  }
  assert.match(program.stdout, /concurrency 2, measured: 10\/10 requests/);
  assert.match(program.stdout, /concurrency +requests +seconds/);
});

test('a single failed request fails the benchmark and is told', async (t) => {
  const output = place(t);
  let requests = 0;
  const endpoint = await startServer(t, (_request, response) => {
    if (++requests === 7) {
      response.writeHead(503, { 'content-type': 'application/json' }).end('{"error":{"message":"no decode worker"}}');
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: {"choices":[{"index":0,"text":"a","finish_reason":null}]}\n\n');
    response.end('data: {"choices":[{"index":0,"text":"b","finish_reason":"length"}]}\n\ndata: [DONE]\n\n');
  });
  const program = bench(t, endpoint, output, ['--num-warmup-mult', '0']);
  assert.equal((await program.exit()).code, 6, program.stdout);
  assert.match(program.stdout, /failed: concurrency 2: 1 of 20 requests failed: HTTP 503: no decode worker/);
  assert.equal(resultOf(output, 'results_concurrency_2_gpus_0.json').failed, 1);
  assert.equal(readdirSync(path.join(output, 'sa-bench_isl_200_osl_10')).filter((name) => name.startsWith('results_')).length, 1);
});

/** Streams `tokens` tokens, one each event, and says their number. */
function stream(response: http.ServerResponse, tokens: number): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (let token = 0; token < tokens; token++)
    response.write(`data: {"choices":[{"index":0,"text":"a","finish_reason":${token === tokens - 1 ? '"stop"' : 'null'}}]}\n\n`);
  response.end(`data: {"choices":[],"usage":{"prompt_tokens":200,"completion_tokens":${tokens}}}\n\ndata: [DONE]\n\n`);
}

test('one answer of eleven that is cut short fails the benchmark, and every file and the last lines say so', async (t) => {
  const output = place(t);
  let requests = 0;
  const bodies: string[] = [];
  const endpoint = await startServer(
    t,
    ({ method }, response) => {
      if (method === 'GET') {
        response.writeHead(404).end();
        return;
      }
      const { max_tokens } = JSON.parse(bodies.at(-1) ?? '') as { max_tokens: number };
      stream(response, ++requests % 11 === 0 ? 1 : max_tokens);
    },
    bodies,
  );
  const program = bench(t, endpoint, output, ['--num-warmup-mult', '0', '--concurrencies', '2']);
  assert.equal((await program.exit()).code, 6, program.stdout);
  const words = /concurrency 2: 2 of 20 answers were shorter than asked for/;
  assert.match(program.stdout, /20\/20 requests, .*, 2 shorter than asked for\n/);
  assert.match(program.stdout, new RegExp(`failed: ${words.source}(?:.*\\n)+verdict: failed\\n`));
  const result = resultOf(output, 'results_concurrency_2_gpus_0.json');
  assert.deepEqual([result.verdict, result.short_answers], ['failed', 2]);
  assert.match(result.failures.join(), words);
  assert.match(result.provenance.srtctl, /^\d/);
  assert.ok(result.provenance.flags.includes('--num-warmup-mult'));
  for (const file of ['benchmark-rollup.json', 'summary.txt'])
    assert.match(readFileSync(path.join(output, 'sa-bench_isl_200_osl_10', file), 'utf8'), words, file);
});

test('repeats are measured apart, with their spread, and two directories are compared', async (t) => {
  const outputs = [place(t), place(t)];
  const endpoint = await startSim(t, ['--speedup', '50']);
  for (const output of outputs) {
    const program = bench(t, endpoint, output, [
      '--num-warmup-mult',
      '0',
      '--num-prompts-mult',
      '2',
      '--concurrencies',
      '2',
      '--repeats',
      '2',
    ]);
    assert.equal((await program.exit()).code, 0, program.stdout);
    const rollup = JSON.parse(readFileSync(path.join(output, 'sa-bench_isl_200_osl_10', 'benchmark-rollup.json'), 'utf8')) as {
      spread: { runs: number; figures: { mean_ttft_ms: { std: number } } }[];
    };
    assert.deepEqual(
      rollup.spread.map(({ runs, figures }) => [runs, figures.mean_ttft_ms.std > 0]),
      [[2, true]],
    );
    assert.equal(resultOf(output, 'results_concurrency_2_gpus_0_run_2.json').run, 2);
  }
  const program = Program.start(t, 'srtctl', ['compare', ...outputs]);
  assert.equal((await program.exit()).code, 0, program.stdout + program.stderr);
  assert.match(program.stdout, /not the same: flags: /);
  assert.match(program.stdout, /concurrency 2 +mean_ttft_ms +[\d.]+ +[\d.]+ +[+-][\d.]+ % +[\d.]+ x +(differs|within the spread)\n/);
});

test('answers without a token fail the benchmark', async (t) => {
  const endpoint = await startServer(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: [DONE]\n\n');
  });
  const program = bench(t, endpoint, place(t));
  assert.equal((await program.exit()).code, 6);
  assert.match(program.stdout, /failed: the first request to .* failed: the answer holds no text/);
});

test('an endpoint where nobody listens fails the benchmark', async (t) => {
  const program = bench(t, 'http://127.0.0.1:1', place(t));
  assert.equal((await program.exit()).code, 6);
  assert.match(program.stdout, /failed: the first request to http:\/\/127\.0\.0\.1:1\/v1\/completions failed: ECONNREFUSED/);
});

test('a server that stops answering fails the benchmark after the time of silence', async (t) => {
  const endpoint = await startServer(t, () => {});
  const program = bench(t, endpoint, place(t), ['--idle-timeout-secs', '0.3']);
  assert.equal((await program.exit()).code, 6);
  assert.match(program.stdout, /UND_ERR_HEADERS_TIMEOUT/);
});

test('a benchmark that takes too long fails, and what has completed is kept', async (t) => {
  const output = place(t);
  const program = bench(t, await startSim(t), output, ['--num-warmup-mult', '0', '--num-prompts-mult', '1000', '--deadline-secs', '1.5']);
  assert.equal((await program.exit()).code, 6);
  assert.match(program.stdout, /failed: not done within 1.5 s/);
  assert.equal(resultOf(output, 'results_concurrency_2_gpus_0.json').partial, true);
});

test('Ctrl-C ends the benchmark at once and keeps what has completed', async (t) => {
  const output = place(t);
  const endpoint = await startSim(t);
  const program = bench(t, endpoint, output, ['--num-warmup-mult', '1', '--num-prompts-mult', '100000']);
  await program.says('warm-up: 2/2 requests');
  await new Promise((resolve) => setTimeout(resolve, 500));
  program.child.kill('SIGINT');
  assert.deepEqual(await program.exit(), { code: 130, signal: null });
  const result = resultOf(output, 'results_concurrency_2_gpus_0.json');
  assert.equal(result.partial, true);
  assert.ok(result.completed > 0, `${result.completed}`);
  assert.equal(result.failed, 0);
});

test('a concurrency that repeats is measured again, and both results are kept', async (t) => {
  const output = place(t);
  const endpoint = await startSim(t, ['--speedup', '20']);
  const program = bench(t, endpoint, output, ['--concurrencies', '2x2', '--num-prompts-mult', '2', '--num-warmup-mult', '0']);
  assert.equal((await program.exit()).code, 0, program.stdout);
  const [first, second] = ['results_concurrency_2_gpus_0.json', 'results_concurrency_2_gpus_0_run_2.json'].map((name) =>
    resultOf(output, name),
  );
  assert.notEqual(first?.seed, second?.seed);
  assert.equal(first?.completed, second?.completed);
});

test('prompts as chat messages go to the chat endpoint', async (t) => {
  const output = place(t);
  const endpoint = await startSim(t, ['--speedup', '20']);
  const program = bench(t, endpoint, output, ['--api', 'chat', '--concurrencies', '2', '--num-prompts-mult', '2']);
  assert.equal((await program.exit()).code, 0, program.stdout);
  const result = resultOf(output, 'results_concurrency_2_gpus_0.json');
  assert.deepEqual([result.backend, result.completed], ['openai-chat', 4]);
  for (const tokens of result.input_lens) assert.ok(tokens >= 160 && tokens <= 200, `${tokens}`);
});

test('prompts with a common part come from the cache by that share', async (t) => {
  const output = place(t);
  const endpoint = await startSim(t, ['--speedup', '20', '--page-size', '1']);
  const program = bench(t, endpoint, output, ['--concurrencies', '1', '--prefix-ratios', '0,0.5', '--requests', '6']);
  assert.equal((await program.exit()).code, 0, program.stdout);
  const folder = path.join(output, 'router_isl_200_osl_10');
  const cached = ['0', '0.5'].map((ratio) => {
    const result = JSON.parse(readFileSync(path.join(folder, `results_prefix_${ratio}_concurrency_1_gpus_0.json`), 'utf8')) as PointResult;
    return result.total_cached_tokens / result.total_input_tokens;
  });
  assert.ok(cached[0]! < 0.1, `${cached}`);
  assert.ok(cached[1]! > 0.35 && cached[1]! < 0.6, `${cached}`);
  assert.match(program.stdout, /prefix ratio +concurrency/);
  assert.doesNotMatch(program.stdout, /warning/);
});

test('a trace is replayed at its times, and good requests are counted', async (t) => {
  const output = place(t);
  const trace = path.join(output, 'mine.jsonl');
  const lines = [0, 0, 300, 600].map((timestamp, index) => ({
    timestamp,
    input_length: 600,
    output_length: 4,
    hash_ids: [7, 100 + index],
  }));
  writeFileSync(trace, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const sim = await startSim(t, ['--speedup', '20']);
  const common = ['--endpoint', sim, '--model', 'tiny', '--trace', trace, '--output-dir', output];
  const program = Program.start(t, 'srtctl', ['bench', ...common, '--good-ttft-ms', '20000', '--good-itl-ms', '10000']);
  assert.equal((await program.exit()).code, 0, program.stdout);
  const result = JSON.parse(readFileSync(path.join(output, 'trace_mine', 'results_timed_gpus_0.json'), 'utf8')) as PointResult;
  assert.deepEqual([result.completed, result.good_requests, result.max_concurrency], [4, 4, null]);
  assert.ok(result.duration >= 0.6 && result.duration < 5, `${result.duration} s`);
  assert.ok(result.total_cached_tokens > 0, 'the first block is the same in all');
  const again = Program.start(t, 'srtctl', ['bench', ...common, '--concurrencies', '2', '--good-ttft-ms', '0.001']);
  assert.equal((await again.exit()).code, 0, again.stdout);
  const closed = JSON.parse(readFileSync(path.join(output, 'trace_mine', 'results_concurrency_2_gpus_0.json'), 'utf8')) as PointResult;
  assert.deepEqual([closed.completed, closed.good_requests], [4, 0]);
});

test('a data set is sent as it is, and its length asked for', async (t) => {
  const output = place(t);
  const file = path.join(output, 'prompts.jsonl');
  writeFileSync(file, '{"prompt":"tell me a story","expected_output_len":3}\n');
  const bodies: string[] = [];
  const endpoint = await startServer(
    t,
    (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end('data: {"choices":[{"index":0,"text":"a","finish_reason":"length"}]}\n\ndata: [DONE]\n\n');
    },
    bodies,
  );
  const program = bench(t, endpoint, output, [
    '--concurrencies',
    '1',
    '--dataset',
    file,
    '--num-prompts-mult',
    '1',
    '--num-warmup-mult',
    '0',
  ]);
  await program.exit();
  const sent = JSON.parse(bodies.at(-1) ?? '{}') as { prompt?: string; max_tokens?: number };
  assert.deepEqual([sent.prompt, sent.max_tokens], ['tell me a story', 3]);
  assert.ok(readdirSync(output).includes('sa-bench_custom_prompts'));
});

test('workers record profiles from the first measured request to the end, and sleep for a while', async (t) => {
  const calls: string[] = [];
  const bodies: string[] = [];
  const worker = await startServer(
    t,
    (request, response) => {
      calls.push(request.url ?? '');
      response.end('{}');
    },
    bodies,
  );
  const endpoint = await startSim(t, ['--speedup', '20']);
  const words = ['--record', `torch,${worker}/engine,2,30,/run/profiles/decode`, '--slow-down', `0.5,0.2,${worker}`];
  const program = bench(t, endpoint, place(t), ['--concurrencies', '2x2', '--num-prompts-mult', '2', ...words]);
  assert.equal((await program.exit()).code, 0, program.stdout);
  assert.deepEqual(calls, ['/engine/start_profile', '/slow_down', '/slow_down', '/slow_down', '/slow_down', '/engine/stop_profile']);
  assert.deepEqual(JSON.parse(bodies[0]!), {
    output_dir: '/run/profiles/decode',
    start_step: 2,
    num_steps: 30,
    activities: ['CPU', 'GPU'],
  });
  assert.deepEqual([bodies[1], bodies[2]], ['{"forward_sleep_time":0.5}', '{"forward_sleep_time":null}']);
});

test('a worker that records no profile fails the benchmark before anything is measured', async (t) => {
  const worker = await startServer(t, (_request, response) => void response.writeHead(404).end('no such path'));
  const output = place(t);
  const program = bench(t, await startSim(t), output, ['--num-warmup-mult', '0', '--record', `nsys,${worker},0,5,/x`]);
  assert.equal((await program.exit()).code, 6);
  assert.match(program.stdout, /failed: http:\S+\/start_profile answered 404: no such path/);
  assert.deepEqual(readdirSync(output), []);
});

test('a wrong command line is refused with what was expected', async (t) => {
  for (const [args, message] of [
    [['--concurrencies', '16x'], /expected numbers from 1 with x between/],
    [['--isl', '0'], /expected a whole number from 1/],
    [['--random-range-ratio', '1.5'], /above 0 and up to 1/],
    [['--endpoint', 'localhost:8000'], /'localhost:8000' is invalid\. expected a URL such as http:/],
    [['--dataset', 'a', '--trace', 'b'], /--dataset, --prefix-ratios and --trace exclude each other/],
    [['--trace', '/none.jsonl'], /\/none\.jsonl cannot be read: ENOENT/],
    [['--record', 'torch'], /expected KIND,URL,START,STEPS,DIR/],
    [['--slow-down', '1,2'], /expected SLEEP,WAIT,URL/],
    [['--prefix-ratios', '0.5,2'], /expected numbers from 0 to 1/],
    [['--api', 'grpc'], /expected completions or chat/],
    [['--no-such'], /unknown option '--no-such'/],
  ] as const) {
    const program = bench(t, 'http://127.0.0.1:1', '.', args);
    assert.equal((await program.exit()).code, 2);
    assert.match(program.stderr, message);
  }
});
