/** The smoke test of a fleet: one real request through every router and through the public endpoint, each answered with tokens. */
import type { Clock } from '../../base/core/clock.ts';
import type { Plan } from '../plan/plan.ts';
import { type Answer, type Asker, excerpt, parsed } from './ask.ts';
import { fieldOf, listAt } from './readiness.ts';

const ATTEMPTS = 4;
const FIRST_PAUSE_MS = 250;

/** `via` of the public endpoint. */
export const ENDPOINT = 'the endpoint';

export interface Way {
  /** For people: `router-0`, `the endpoint`. */
  readonly via: string;
  /** Bound, without path. */
  readonly url: string;
}

/** `bind` puts addresses in. */
export function waysOf(plan: Plan, bind: (text: string) => string): Way[] {
  const ways: Way[] = plan.processes.flatMap(({ id, ready }) =>
    ready.kind === 'router' || ready.kind === 'frontend' ? [{ via: id, url: bind(ready.url) }] : [],
  );
  const endpoint = bind(plan.endpoint);
  // A single router is the endpoint.
  return ways.some(({ url }) => url === endpoint) ? ways : [...ways, { via: ENDPOINT, url: endpoint }];
}

export interface SmokeTest {
  readonly ways: readonly Way[];
  readonly model: string;
  readonly key: string | null;
  readonly asker: Asker;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The ways that have not answered yet; the test removes each one that has. */
  readonly open: Set<string>;
  /** What is not answered yet. */
  readonly onDetail: (detail: string) => void;
}

/** Null if every request got tokens, or if `signal` is aborted. Otherwise the first way that failed all attempts. A single request has no time limit. */
export async function smokeTest(test: SmokeTest): Promise<{ via: string; message: string } | null> {
  const { open } = test;
  for (const { via } of test.ways) open.add(via);
  const reportPending = (): void => test.onDetail(`no answer yet through ${[...open].join(', ')}`);
  reportPending();
  let failed: { via: string; message: string } | null = null;
  await Promise.all(
    test.ways.map(async ({ via, url }) => {
      const message = await requestOnce(test, url);
      if (message !== null) failed ??= { via, message };
      else open.delete(via);
      if (open.size > 0) reportPending();
    }),
  );
  return test.signal.aborted ? null : failed;
}

async function requestOnce({ model, key, asker, clock, signal }: SmokeTest, url: string): Promise<string | null> {
  let message: string | null = null;
  for (let attempt = 0; attempt < ATTEMPTS && !signal.aborted; attempt++) {
    if (attempt > 0) await new Promise<void>((resolve) => clock.after(FIRST_PAUSE_MS * 2 ** (attempt - 1), resolve));
    const body = { model, prompt: 'Once upon a time', max_tokens: 4, temperature: 0 };
    message = whatIsWrong(await asker.ask({ url: `${url}/v1/completions`, body, key, timeoutMs: null, signal }), url);
    if (message === null) return null;
  }
  return message;
}

/** Null: the answer holds a token. */
export function whatIsWrong(answer: Answer, url: string): string | null {
  if (answer.kind === 'none') return `${url}: ${answer.message}`;
  if (answer.status !== 200) return `${url} answers ${answer.status} ${excerpt(answer.text)}`;
  const document = parsed(answer.text);
  const [choice] = listAt(document, 'choices');
  const tokens = fieldOf(fieldOf(document, 'usage'), 'completion_tokens');
  if (typeof tokens === 'number' ? tokens > 0 : typeof fieldOf(choice, 'text') === 'string' && fieldOf(choice, 'text') !== '') return null;
  return `${url} answers without a token: ${excerpt(answer.text)}`;
}
