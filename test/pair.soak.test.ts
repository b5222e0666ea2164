/**
 * Many streams through pairs of simulated engines while some of the prefills fail: every request is answered, since a healthy
 * pair exists; nothing takes longer than what failed; nothing is left. A few seconds here; for the real thing:
 *
 *   PAIR_SOAK_SECS=120 PAIR_SOAK_STREAMS=200 PAIR_SOAK_PAIRS=4 node tools/test.mjs pair.soak
 */
import assert from 'node:assert/strict';
import net from 'node:net';
import { type TestContext, test } from 'node:test';
import type { FaultRule } from '../src/sim/engine/faults.ts';
import { Program } from './support/program.ts';
import { ScrapedMetrics } from './support/prometheus.ts';
import { ask, requestBytes } from './support/raw-client.ts';

const SECS = Number(process.env['PAIR_SOAK_SECS'] ?? 3);
const STREAMS = Number(process.env['PAIR_SOAK_STREAMS'] ?? 30);
const PAIRS = Number(process.env['PAIR_SOAK_PAIRS'] ?? 2);
const TOKENS = 20;
/** Short, so that hanging prefills are seen within the test. */
const BOOTSTRAP_TIMEOUT_SECS = 3;
/** On top of what a pair waits for: a busy machine. */
const SLACK_MS = 8000;

/** Together about 1 % of the prefills; each way in which one can fail has its share. */
const FAULTS: readonly (Partial<FaultRule> & Pick<FaultRule, 'kind' | 'probability'>)[] = [
  { kind: 'reset', probability: 0.003 },
  { kind: 'status', status: 500, body: 'Internal Server Error', probability: 0.003 },
  { kind: 'abort', at: 'before-kv', probability: 0.002 },
  { kind: 'hang', probability: 0.001 },
  { kind: 'garbage', probability: 0.001 },
];

interface Result {
  readonly prompt: string;
  readonly text: string;
  readonly tookMs: number;
}

/** One client: one connection, one stream after the other. */
class Client {
  readonly results: Result[] = [];
  readonly #socket: net.Socket;
  #received = '';
  #wake: () => void = () => {};
  isEnded = false;

  constructor(port: number) {
    this.#socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.setEncoding('latin1').on('data', (text: string) => {
      this.#received += text;
      const isStream = this.#received.includes('transfer-encoding: chunked');
      if (!isStream || this.#received.endsWith('0\r\n\r\n')) this.#wake();
    });
    const over = (): void => {
      this.isEnded = true;
      this.#wake();
    };
    this.#socket.on('close', over).on('error', over);
  }

  /** Once accepted: Node takes one new connection per turn of its loop, which on a busy machine makes the last of many wait. */
  async ready(): Promise<void> {
    await this.#answer('GET /liveness HTTP/1.1\r\nhost: r\r\n\r\n');
  }

  async run(untilMs: number, prompts: readonly string[]): Promise<void> {
    for (let i = 0; performance.now() < untilMs && !this.isEnded; i++) await this.#stream(prompts[i % prompts.length]!);
    this.#socket.destroy();
  }

  async #stream(prompt: string): Promise<void> {
    const body = JSON.stringify({
      text: prompt,
      stream: true,
      sampling_params: { max_new_tokens: TOKENS, ignore_eos: true, temperature: 0 },
    });
    const startMs = performance.now();
    await this.#answer(requestBytes({ path: '/generate', body }));
    this.results.push({ prompt, text: this.#received, tookMs: performance.now() - startMs });
  }

  #answer(request: string | Buffer): Promise<void> {
    const whole = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#received = '';
    this.#socket.write(request);
    return whole;
  }
}

/** The output of a stream: ids of its last event. Throws what the client was told when it is no whole answer. */
function outputOf({ text }: Result): string {
  const last = [...text.matchAll(/"output_ids": ?(\[[^\]]*\])/g)].at(-1)?.[1];
  if (last === undefined || !text.includes('data: [DONE]') || !text.endsWith('0\r\n\r\n') || text.includes('"error"')) {
    throw new Error(`no whole answer: ${text.slice(0, 2000)}`);
  }
  return last;
}

interface Engine {
  readonly url: string;
  readonly port: number;
  readonly bootstrapPort: number;
}

/** `chance`: which requests fail, not the same at all engines; it also decides what a decode engine says. */
async function startEngine(t: TestContext, mode: 'prefill' | 'decode', chance: number): Promise<Engine> {
  const args = [
    '--port',
    '0',
    '--disaggregation-mode',
    mode,
    '--disaggregation-bootstrap-port',
    '0',
    '--speedup',
    '5',
    '--seed',
    String(chance),
  ];
  const program = Program.start(t, 'sim', [...args, '--log-level', 'error']);
  await program.says('sglang-sim ready');
  const [, url = '', port, bootstrapPort] = /ready (http:\/\/127\.0\.0\.1:(\d+))(?: bootstrap=(\d+))?/.exec(program.stdout) ?? [];
  return { url, port: Number(port), bootstrapPort: Number(bootstrapPort) };
}

/** Path below /sim of an engine. */
async function simOf({ port }: Engine, path: string, body?: object): Promise<unknown> {
  const response = await ask(port, { path: `/sim/${path}`, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  assert.equal(response.status, 200, response.text);
  return response.json();
}

async function startRouter(t: TestContext, prefills: readonly Engine[], decodes: readonly Engine[]): Promise<number> {
  const args = ['--port', '0', '--prometheus-port', '0', '--log-format', 'json', '--metrics-path', '/metrics', '--policy', 'power_of_two'];
  args.push('--pd-disaggregation', '--pd-bootstrap-timeout-secs', String(BOOTSTRAP_TIMEOUT_SECS));
  for (const { url, bootstrapPort } of prefills) args.push('--prefill', url, String(bootstrapPort));
  for (const { url } of decodes) args.push('--decode', url);
  const program = Program.start(t, 'router', args);
  await program.says('router listens');
  const port = Number(program.logged('router listens')[0]?.['port']);
  for (let isReady = false; !isReady; ) {
    const { json } = await ask(port, { path: '/readiness' });
    isReady = (json() as { healthy_workers?: number }).healthy_workers === prefills.length + decodes.length;
  }
  return port;
}

test(`${STREAMS} streams at once for ${SECS} s through ${PAIRS} + ${PAIRS} engines, while 1 % of the prefills fail`, {
  timeout: SECS * 1000 + 60_000,
}, async (t) => {
  const start = (mode: 'prefill' | 'decode'): Promise<Engine[]> =>
    Promise.all(Array.from({ length: PAIRS }, (_, i) => startEngine(t, mode, mode === 'prefill' ? i : 0)));
  const [prefills, decodes] = await Promise.all([start('prefill'), start('decode')]);
  for (const prefill of prefills) for (const fault of FAULTS) await simOf(prefill, 'faults', { ...fault, path: '/generate' });
  const port = await startRouter(t, prefills, decodes);

  const prompts = ['one', 'two words', 'three words here', 'and a longer prompt than the others, of several words'];
  const clients = Array.from({ length: STREAMS }, () => new Client(port));
  await Promise.all(clients.map((client) => client.ready()));
  const untilMs = performance.now() + SECS * 1000;
  await Promise.all(clients.map((client) => client.run(untilMs, prompts)));

  const results = clients.flatMap((client) => client.results);
  assert.ok(results.length >= STREAMS, `only ${results.length} answers`);
  const outputs = new Map<string, string>();
  for (const result of results) {
    const output = outputOf(result);
    assert.equal(output, outputs.get(result.prompt) ?? output, `another answer to ${result.prompt}`);
    outputs.set(result.prompt, output);
  }
  const slowest = results.reduce((most, { tookMs }) => Math.max(most, tookMs), 0);
  assert.ok(slowest < 3 * BOOTSTRAP_TIMEOUT_SECS * 1000 + SLACK_MS, `the slowest answer took ${Math.round(slowest)} ms`);

  let hits = 0;
  for (const prefill of prefills) {
    const { faults } = (await simOf(prefill, 'faults')) as { faults: readonly { hits: number }[] };
    for (const fault of faults) hits += fault.hits;
  }
  let metrics: ScrapedMetrics;
  const sum = (name: string, labels: Readonly<Record<string, string>> = {}): number =>
    metrics.find(name, labels).reduce((total, { value }) => total + Number(value), 0);
  // A prefill may be read a little longer than its decode.
  const deadlineMs = performance.now() + SLACK_MS;
  do {
    metrics = new ScrapedMetrics((await ask(port, { path: '/metrics' })).text);
    assert.ok(performance.now() < deadlineMs, `${sum('smg_pd_live_pairs')} pairs, ${sum('smg_worker_requests_active')} requests are left`);
  } while (sum('smg_pd_live_pairs') + sum('smg_worker_requests_active') > 0);
  assert.equal(sum('smg_pd_bootstrap_failures_total', { worker_type: 'decode' }), 0);
  const failures = sum('smg_pd_bootstrap_failures_total', { worker_type: 'prefill' });
  // A connection that ends as soon as it is used again counts as one that had been dead, and is replaced.
  const stale = sum('smg_worker_stale_connections_total');
  t.diagnostic(`${results.length} answers, ${hits} faults, ${failures} pairs failed, ${stale} stale, slowest ${Math.round(slowest)} ms`);
  // A fault can strike a leg that has been let go already, and is seen by nobody.
  const unseen = hits - failures - stale;
  assert.ok(failures <= hits && unseen <= 1 + hits / 100, 'a failure without a fault, or faults without a failure');
  assert.equal(sum('smg_pd_retries_total'), failures);
  for (const { url } of decodes) assert.equal(sum('smg_worker_failures_total', { worker: url }), 0, 'a decode worker was blamed');
  for (const engine of [...prefills, ...decodes]) {
    let running = -1;
    while (running !== 0) running = ((await simOf(engine, 'stats')) as { generations: { running: number } }).generations.running;
  }
});
