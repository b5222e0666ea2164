/** Whether a process is ready, by the rule of its plan. Each part is asked directly, never through another one. */
import { connect } from 'node:net';
import type { Clock } from '../../base/core/clock.ts';
import type { PlannedProcess, ReadyRule } from '../plan/plan.ts';
import { type Asker, excerpt, parsed } from './ask.ts';
import { keyOf } from './planned-flag.ts';

const ANSWER_MS = 5000;
const NAMED_WORKERS = 4;

/** Null: ready. Otherwise what is missing, for people. `bind` puts addresses into the rule. */
export async function askReady(
  process: PlannedProcess,
  bind: (text: string) => string,
  asker: Asker,
  clock: Clock,
  signal: AbortSignal,
): Promise<string | null> {
  const rule = process.ready;
  const key = keyOf(process);
  const get = async (url: string, path = ''): Promise<{ missing: string } | { text: string }> => {
    const full = `${url.replace(/\/+$/, '')}${path}`;
    const answer = await asker.ask({ url: full, body: null, key, timeoutMs: ANSWER_MS, signal });
    if (answer.kind === 'none') return { missing: `${full}: ${answer.message}` };
    return answer.status === 200 ? { text: answer.text } : { missing: `${full} answers ${answer.status} ${excerpt(answer.text)}`.trim() };
  };
  switch (rule.kind) {
    case 'worker': {
      const health = await get(bind(rule.url), '/health');
      if ('missing' in health) return health.missing;
      return await servesModel(get, bind(rule.url), bind(rule.model));
    }
    case 'router': {
      const workers = await get(bind(rule.url), '/workers');
      return 'missing' in workers ? workers.missing : missingWorkers(workers.text, rule.workers.map(bind));
    }
    case 'frontend': {
      const health = await get(bind(rule.url), '/health');
      if ('missing' in health) return health.missing;
      return (
        missingInstances(health.text, { ...rule, namespace: bind(rule.namespace) }) ??
        (await servesModel(get, bind(rule.url), bind(rule.model)))
      );
    }
    case 'dynamo-worker':
      return await missingEndpoints(bind(rule.url), rule.endpoints, asker, signal);
    case 'http': {
      const identity = rule.run === null ? null : await get(bind(rule.run.url));
      if (identity !== null && rule.run !== null) {
        if ('missing' in identity) return identity.missing;
        const wanted = bind(rule.run.says);
        if (identity.text.trim() !== wanted) return `${bind(rule.run.url)} belongs to run ${excerpt(identity.text)}, not to ${wanted}`;
      }
      const answer = await get(bind(rule.url));
      return 'missing' in answer ? answer.missing : null;
    }
    case 'tcp':
      return await accepts(bind(rule.host), rule.port, clock, ANSWER_MS);
    case 'log':
    case 'done':
    case 'exit':
    case 'none':
      return null;
  }
}

async function servesModel(
  get: (url: string, path: string) => Promise<{ missing: string } | { text: string }>,
  url: string,
  model: string,
): Promise<string | null> {
  const models = await get(url, '/v1/models');
  if ('missing' in models) return models.missing;
  const names = listAt(parsed(models.text), 'data').map((entry) => String(fieldOf(entry, 'id')));
  return names.includes(model) ? null : `${url}/v1/models does not list ${model}, but ${names.join(', ') || 'nothing'}`;
}

/** `text`: what GET /workers answered. Null: every one of `urls` is listed as healthy. */
export function missingWorkers(text: string, urls: readonly string[]): string | null {
  const document = parsed(text);
  const healthy = new Map<string, boolean>();
  for (const entry of listAt(document, 'workers')) {
    // A worker with data parallelism is listed once for each rank, as URL@RANK; all have to be well.
    const url = bareUrl(String(fieldOf(entry, 'url')));
    healthy.set(url, (healthy.get(url) ?? true) && fieldOf(entry, 'is_healthy') === true);
  }
  const unknown = urls.filter((url) => !healthy.has(bareUrl(url)));
  const unwell = urls.filter((url) => healthy.get(bareUrl(url)) === false);
  if (unknown.length + unwell.length === 0) return null;
  const words = [
    unknown.length === 0 ? '' : `does not know ${some(unknown)}`,
    unwell.length === 0 ? '' : `lists as not healthy ${some(unwell)}`,
  ].filter((part) => part !== '');
  return `${urls.length - unknown.length - unwell.length} of ${urls.length} workers are healthy for it: it ${words.join(' and ')}`;
}

function missingInstances(text: string, rule: Extract<ReadyRule, { kind: 'frontend' }>): string | null {
  const instances = listAt(parsed(text), 'instances').filter(
    (one) => fieldOf(one, 'namespace') === rule.namespace && fieldOf(one, 'endpoint') === 'generate',
  );
  const count = (...components: readonly string[]): number =>
    instances.filter((one) => components.includes(String(fieldOf(one, 'component')))).length;
  const prefill = count('prefill');
  const decode = count('backend', 'decode');
  if (prefill === rule.prefill && decode === rule.decode) return null;
  const counts = `it lists ${prefill} of ${rule.prefill} prefill and ${decode} of ${rule.decode} other workers`;
  if (prefill <= rule.prefill && decode <= rule.decode) return counts;
  return `${counts}, more than this run has: another run uses its etcd, or etcd has data of an earlier one`;
}

/**
 * A Dynamo worker about itself, whatever the status of its answer: `{"status":"notready","endpoints":{"generate":"ready"}}`. Its word for
 * the whole is not asked for, since a simulated engine never says `healthy`.
 */
async function missingEndpoints(url: string, wanted: readonly string[], asker: Asker, signal: AbortSignal): Promise<string | null> {
  const answer = await asker.ask({ url: `${url}/health`, body: null, key: null, timeoutMs: ANSWER_MS, signal });
  if (answer.kind === 'none') return `${url}/health: ${answer.message}`;
  const endpoints = fieldOf(parsed(answer.text), 'endpoints');
  if (typeof endpoints !== 'object' || endpoints === null) return `${url}/health answers ${answer.status} ${excerpt(answer.text)}`.trim();
  const ready = Object.entries(endpoints).flatMap(([name, state]) => (state === 'ready' ? [name] : []));
  const missing = wanted.filter((begin) => !ready.some((name) => name.startsWith(begin)));
  if (missing.length === 0) return null;
  const broken = ready.includes('generate') ? ': it has registered and cannot serve (is its bootstrap port taken?)' : '';
  return `${url}/health does not name ${missing.map((one) => (one.endsWith('_') ? `${one}*` : one)).join(', ')} as ready, but ${ready.join(', ') || 'nothing'}${broken}`;
}

/** Null: a connection was accepted. */
export function accepts(host: string, port: number, clock: Clock, timeoutMs: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (missing: string | null): void => {
      timer.cancel();
      socket.destroy();
      resolve(missing);
    };
    const timer = clock.after(timeoutMs, () => finish(`no connection to ${host}:${port}`));
    socket.on('connect', () => finish(null));
    socket.on('error', (error: NodeJS.ErrnoException) => finish(`no connection to ${host}:${port} (${error.code ?? error.message})`));
  });
}

function some(urls: readonly string[]): string {
  const named = urls.slice(0, NAMED_WORKERS).join(', ');
  return urls.length > NAMED_WORKERS ? `${named} and ${urls.length - NAMED_WORKERS} more` : named;
}

function bareUrl(url: string): string {
  return url.replace(/@\d+$/, '').replace(/\/+$/, '');
}

export function fieldOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

export function listAt(value: unknown, key: string): readonly unknown[] {
  const list = fieldOf(value, key);
  return Array.isArray(list) ? list : [];
}
