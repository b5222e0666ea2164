/** Engines that stand still: paused by POST /pause_generation, or with a scheduler that hangs. What each path says meanwhile and afterwards. */
import { execFileSync } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { bare, GREEDY, post } from './case.ts';
import { type Observation, observe } from './observe.ts';
import type { Sight, Target } from './scenarios.ts';

/** Longer than a health check that fails, which takes 20 s. */
const LIMIT_MS = 60_000;
/** What a request that is not answered is given before it counts as such. */
const PENDING_MS = 1500;
const FEW = post('few', '/generate', { text: 'a few', sampling_params: GREEDY });
const MANY = { max_new_tokens: 2500, temperature: 0, ignore_eos: true };

/** Stops the schedulers of an engine and lets them run again. */
export interface Freezer {
  freeze(): Promise<void>;
  thaw(): Promise<void>;
}

/** For a real engine: signals to the scheduler process in its group. */
export function signalFreezer(groupPid: number): Freezer {
  const send = (name: NodeJS.Signals): Promise<void> => {
    const lines = execFileSync('ps', ['-eo', 'pid=,pgid=,args='], { encoding: 'utf8' }).split('\n');
    const found = lines.map((line) => /^ *(\d+) +(\d+) (.*)$/.exec(line)).filter((one) => one?.[2] === String(groupPid));
    const schedulers = found.filter((one) => one?.[3]?.includes('sglang::scheduler') === true);
    if (schedulers.length === 0) throw new Error(`no scheduler in the process group ${groupPid}`);
    for (const one of schedulers) process.kill(Number(one?.[1]), name);
    return Promise.resolve();
  };
  return { freeze: () => send('SIGSTOP'), thaw: () => send('SIGCONT') };
}

/** For a simulated engine: its fault of that name. */
export function faultFreezer(url: string): Freezer {
  const ask = async (init: RequestInit): Promise<void> => {
    const reply = await fetch(`${url}/sim/faults`, init);
    if (!reply.ok) throw new Error(`${url}/sim/faults answered ${reply.status}`);
  };
  return {
    freeze: () => ask({ method: 'POST', body: '{"kind":"freeze"}' }),
    thaw: () => ask({ method: 'DELETE' }),
  };
}

class Watcher {
  readonly sight: Record<string, string> = {};
  readonly #target: Target;

  constructor(target: Target) {
    this.#target = target;
  }

  ask(one: Parameters<typeof observe>[1]): Promise<Observation> {
    return observe(this.#target.url, one, LIMIT_MS, this.#target.signal);
  }

  note(name: string, value: string): void {
    this.sight[name] = value;
  }

  /** Status of each path, and whether it took about the 20 s of a failed check. */
  async status(when: string, ...paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      const startMs = performance.now();
      const { status } = await this.ask(bare(path, 'GET', path));
      const tookMs = performance.now() - startMs;
      this.note(`${when}: GET ${path}`, `${status}${tookMs > 15_000 ? ', after 20 s' : ''}`);
    }
  }

  /** Notes whether `seen` comes within a while, and answers it when it has come. */
  async pending(name: string, seen: Promise<Observation>): Promise<void> {
    const early = await Promise.race([seen.then(({ status }) => status), pause(PENDING_MS, 'no answer')]);
    this.note(name, early);
  }
}

/** How an answer ended: its status, and the reason of a request that was aborted. */
function endOf({ status, values, events }: Observation): string {
  const reasons = Object.entries(values).filter(([path]) => /finish_reason(\.(type|message))?$/.test(path));
  return [status, ...reasons.map(([, list]) => list.join(',')).sort(), events.at(-1) ?? ''].filter((part) => part !== '').join(' ');
}

/** The three modes of a pause, requests that come meanwhile, and a health check that fails because of it. */
export async function pauses(target: Target): Promise<Sight> {
  const watcher = new Watcher(target);
  const running = [
    watcher.ask(post('plain', '/generate', { text: 'plain', sampling_params: MANY })),
    watcher.ask(post('chat', '/v1/chat/completions', { messages: [{ role: 'user', content: 'x' }], max_tokens: 2500, ignore_eos: true })),
    watcher.ask(post('completions', '/v1/completions', { prompt: 'x', max_tokens: 2500, ignore_eos: true })),
  ];
  await pause(700, undefined, { signal: target.signal });
  watcher.note('pause: the answer', (await watcher.ask(post('pause', '/pause_generation', {}))).status);
  for (const [at, name] of ['/generate', 'chat', 'completions'].entries())
    watcher.note(`pause: ${name} that ran`, endOf(await running[at]!));
  await watcher.status('paused', '/ready', '/ping', '/v1/models', '/get_server_info', '/v1/loads');
  const held = [watcher.ask(FEW), watcher.ask(post('bad', '/generate', { text: 'x', sampling_params: { temperature: -1 } }))] as const;
  await watcher.pending('paused: a request', held[0]);
  await watcher.pending('paused: a request with a bad parameter', held[1]);
  watcher.note('paused: chat without messages', (await watcher.ask(post('none', '/v1/chat/completions', { messages: [] }))).status);
  await watcher.status('paused', '/health');
  await watcher.status('paused, after a failed health check', '/ready', '/ping');
  watcher.note('continue: the answer', (await watcher.ask(post('continue', '/continue_generation', {}))).status);
  watcher.note('continue: the request that waited', endOf(await held[0]));
  watcher.note('continue: the bad one that waited', endOf(await held[1]));
  await watcher.status('continued', '/ready', '/ping', '/health');
  await watcher.status('continued, after a health check', '/ready', '/ping');
  for (const mode of ['in_place', 'retract']) {
    const kept = watcher.ask(post('kept', '/generate', { text: mode, sampling_params: { ...MANY, max_new_tokens: 400 } }));
    await pause(300, undefined, { signal: target.signal });
    watcher.note(`pause ${mode}: the answer`, (await watcher.ask(post('pause', '/pause_generation', { mode }))).status);
    await watcher.pending(`paused ${mode}: a request that ran`, kept);
    watcher.note(`paused ${mode}: POST /flush_cache`, (await watcher.ask(bare('flush', 'POST', '/flush_cache'))).status);
    await watcher.ask(post('continue', '/continue_generation', {}));
    watcher.note(`continued ${mode}: a request that ran`, endOf(await kept));
  }
  watcher.note('pause: a mode that does not exist', (await watcher.ask(post('nope', '/pause_generation', { mode: 'nope' }))).status);
  return watcher.sight;
}

/** Schedulers that hang, before and after somebody asks /health, and when they run again. */
export async function hang(target: Target, freezer: Freezer): Promise<Sight> {
  const watcher = new Watcher(target);
  const running = watcher.ask(
    post('running', '/generate', { text: 'running', stream: true, sampling_params: { ...MANY, max_new_tokens: 800 } }),
  );
  await pause(500, undefined, { signal: target.signal });
  await freezer.freeze();
  try {
    await watcher.status('hanging', '/ready', '/ping', '/v1/models', '/get_model_info', '/v1/loads');
    const late = watcher.ask(FEW);
    const info = watcher.ask(bare('info', 'GET', '/get_server_info'));
    await watcher.pending('hanging: a request', late);
    await watcher.pending('hanging: the stream', running);
    await watcher.pending('hanging: GET /get_server_info', info);
    await watcher.status('hanging', '/health');
    await watcher.status('hanging, after a failed health check', '/ready', '/ping');
    await freezer.thaw();
    watcher.note('running again: the stream', endOf(await running));
    watcher.note('running again: the request', endOf(await late));
    watcher.note('running again: GET /get_server_info', (await info).status);
    await watcher.status('running again', '/ready', '/ping', '/health');
    await watcher.status('running again, after a health check', '/ready', '/ping');
  } finally {
    await freezer.thaw();
  }
  return watcher.sight;
}
