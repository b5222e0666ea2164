/** Finds out why the first requests are not answered: asks each part directly and names the one that does not do its share. */
import { createRng } from '../../base/runtime/rng.ts';
import type { PlannedProcess } from '../plan/plan.ts';
import { type AliveQuestion, askAlive, canBeAsked } from './alive.ts';
import type { Asker } from './ask.ts';
import { flagOf, keyOf } from './planned-flag.ts';
import { whatIsWrong } from './smoke-test.ts';

/** A part that is well answers within this time; the first request after a start may need all of it. */
const ALIVE_MS = 5000;
const GENERATE_MS = 10_000;
const ROOM_BITS = 2 ** 20;

/** `id`: the process to blame; null: no single one. `why`: one sentence. */
export interface Suspect {
  readonly id: string | null;
  readonly why: string;
}

export interface Diagnosis extends Omit<AliveQuestion, 'timeoutMs'> {
  readonly processes: readonly PlannedProcess[];
  readonly model: string;
  /** Routers and nginx through which no request has come back, by identifier. */
  readonly open: readonly string[];
}

/** Null: every part does what it should, or there is no time left. */
export async function findSuspect(diagnosis: Diagnosis): Promise<Suspect | null> {
  const { processes, signal } = diagnosis;
  const asked = processes.filter(canBeAsked);
  const silent = await Promise.all(asked.map((process) => askAlive(process, { ...diagnosis, timeoutMs: ALIVE_MS })));
  if (signal.aborted) return null;
  const ill = asked.flatMap((process, index) => (silent[index] == null ? [] : [{ process, why: silent[index].why }]));
  const [first] = ill.sort((a, b) => a.process.tier - b.process.tier);
  if (first !== undefined)
    return { id: first.process.id, why: `${nameOf(first.process)} does not answer when it is asked directly: ${first.why}` };
  const workers = processes.filter(({ ready }) => ready.kind === 'worker');
  if (workers.length === 0) return null;
  const isPaired = workers.some(({ role }) => role === 'prefill');
  const suspect = isPaired ? await askPairs(workers, diagnosis) : await askWorkers(workers, diagnosis);
  if (suspect !== null || signal.aborted) return suspect;
  const culprit = processes.find(({ id }) => diagnosis.open.includes(id));
  if (culprit === undefined) return null;
  return { id: culprit.id, why: `the workers generate when they are asked directly, and ${nameOf(culprit)} brings no answer` };
}

async function askWorkers(workers: readonly PlannedProcess[], diagnosis: Diagnosis): Promise<Suspect | null> {
  const wrong = await Promise.all(workers.map((worker) => generate(worker, {}, diagnosis)));
  const at = wrong.findIndex((one) => one !== null);
  if (at < 0) return null;
  return { id: workers[at]!.id, why: `${nameOf(workers[at]!)} generates no token when it is asked directly: ${wrong[at]}` };
}

/** Every prefill and every decode worker takes part in one pair at least, each pair in a room that nobody else uses. */
async function askPairs(workers: readonly PlannedProcess[], diagnosis: Diagnosis): Promise<Suspect | null> {
  const prefill = workers.filter(({ role }) => role === 'prefill');
  const decode = workers.filter(({ role }) => role === 'decode');
  if (prefill.length === 0 || decode.length === 0) return null;
  const rng = createRng();
  const pairs = await Promise.all(
    Array.from({ length: Math.max(prefill.length, decode.length) }, async (_, index) => {
      const p = prefill[index % prefill.length]!;
      const d = decode[index % decode.length]!;
      const room = {
        bootstrap_host: bootstrapHost(p, diagnosis),
        bootstrap_port: Number(flagOf(p, '--disaggregation-bootstrap-port') ?? p.ports['bootstrap'] ?? 0),
        bootstrap_room: 1 + rng.nextUint32() * ROOM_BITS + (rng.nextUint32() % ROOM_BITS),
      };
      const [pWrong, dWrong] = await Promise.all([generate(p, room, diagnosis), generate(d, room, diagnosis)]);
      return { p, d, pWrong, dWrong };
    }),
  );
  const alone = pairs.find(({ pWrong, dWrong }) => pWrong === null && dWrong !== null);
  if (alone !== undefined) {
    const { p, d, dWrong } = alone;
    return { id: d.id, why: `${nameOf(d)} generates no token: ${p.id} answered its half of a request, ${d.id} did not: ${dWrong}` };
  }
  const broken = pairs.filter(({ pWrong, dWrong }) => pWrong !== null || dWrong !== null);
  const [one] = broken;
  if (one === undefined) return null;
  const works = (id: string): boolean =>
    pairs.some(({ p, d, pWrong, dWrong }) => (p.id === id || d.id === id) && pWrong === null && dWrong === null);
  const common = [one.p, one.d].filter(({ id }) => !works(id) && broken.every(({ p, d }) => p.id === id || d.id === id));
  const halves = `asked directly, neither ${one.p.id} nor ${one.d.id} answered its half of a request: ${one.pWrong}`;
  // With one pair both halves are common to all failures, and only together can they be blamed.
  return common.length === 1 ? { id: common[0]!.id, why: `${nameOf(common[0]!)} does not pair: ${halves}` } : { id: null, why: halves };
}

function bootstrapHost({ ready }: PlannedProcess, { bind }: Diagnosis): string {
  return ready.kind === 'worker' ? new URL(bind(ready.url)).hostname.replace(/^\[|\]$/g, '') : '';
}

async function generate(worker: PlannedProcess, room: object, { bind, asker, signal, model }: Diagnosis): Promise<string | null> {
  if (worker.ready.kind !== 'worker') return null;
  const url = bind(worker.ready.url).replace(/\/+$/, '');
  return await requestTokens(url, { model, ...room }, keyOf(worker), asker, signal);
}

async function requestTokens(url: string, more: object, key: string | null, asker: Asker, signal: AbortSignal): Promise<string | null> {
  const body = { prompt: 'Once upon a time', max_tokens: 2, temperature: 0, ...more };
  return whatIsWrong(await asker.ask({ url: `${url}/v1/completions`, body, key, timeoutMs: GENERATE_MS, signal }), url);
}

function nameOf({ id, node }: PlannedProcess): string {
  return `${id} on ${node}`;
}
