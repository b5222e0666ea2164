/** Faults of engine processes that are stopped, not ended, and of the router's own changes under load. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Program } from '../support/program.ts';
import { ask } from '../support/raw-client.ts';
import { answer, type Call } from '../support/scripted-worker.ts';
import { gate, until } from '../support/until.ts';
import { CELLS, SINGLE } from './cell.ts';
import { answerWell } from './engines.ts';
import type { Fault } from './fault.ts';
import type { Scene } from './scene.ts';

/** A worker that does not answer is found within this time. */
const FOUND_MS = 15_000;
const RECOVERY_MS = 2000;
/** A hung request has been given to another worker by then: the limit of /health is 25 s. */
const HUNG_MS = 60_000;

interface SimProcess {
  readonly program: Program;
  readonly url: string;
  readonly port: number;
}

/** Simulated engines as processes in place of the scripted ones. */
async function useSims(scene: Scene, count: number): Promise<readonly SimProcess[]> {
  const sims = await Promise.all(
    Array.from({ length: count }, async (): Promise<SimProcess> => {
      const program = Program.start(scene, 'sim', ['--port', '0', '--json', '--log-level', 'error', '--mean-output-tokens', '20']);
      await program.says('"port":');
      const port = Number(/"port":\s*(\d+)/.exec(program.stdout)?.[1]);
      return { program, port, url: `http://127.0.0.1:${port}` };
    }),
  );
  for (const { url } of sims) await scene.router.add(url, 'regular');
  for (const { worker } of scene.engines) await scene.router.remove(worker.url);
  await untilUsed(scene, sims);
  return sims;
}

function untilUsed(scene: Scene, sims: readonly SimProcess[]): Promise<void> {
  return scene.router.untilHealthy((healthy) => sims.every(({ url }) => healthy.includes(url)), 'the router to use the engines');
}

/** A response of a simulated engine is whole; its text is invented. */
async function askSim(scene: Scene, limitMs: number): Promise<string> {
  return (await scene.ask(limitMs, (body) => !scene.isStream || body.toString().endsWith('data: [DONE]\n\n'))).text;
}

async function askSims(scene: Scene, count: number, limitMs: number = HUNG_MS): Promise<string> {
  const outcomes = await Promise.all(Array.from({ length: count }, () => askSim(scene, limitMs)));
  return [...new Set(outcomes)].sort().join(', ');
}

export const ENGINE_FAULTS: readonly Fault[] = [
  {
    name: 'SIGSTOP of an idle engine',
    cells: SINGLE,
    isFast: false,
    right: 'set aside, 200 whole, used again in time',
    why: 'The kernel still accepts connections. An idle engine that leaves three probes unanswered is set aside, and used within 2 s of SIGCONT.',
    withinMs: 3000,
    flags: () => ['--health-check-interval-secs', '1', '--health-check-timeout-secs', '1'],
    play: async (scene) => {
      const sims = await useSims(scene, 2);
      const [stopped] = sims;
      if (stopped === undefined) throw new Error('no engine');
      stopped.program.child.kill('SIGSTOP');
      scene.after(() => void stopped.program.child.kill('SIGCONT'));
      await scene.router.untilHealthy((healthy) => !healthy.includes(stopped.url), 'the engine to be set aside', FOUND_MS);
      const seen = await askSims(scene, 4);
      stopped.program.child.kill('SIGCONT');
      const startMs = performance.now();
      await untilUsed(scene, sims);
      return `set aside, ${seen}, used again ${performance.now() - startMs < RECOVERY_MS ? 'in time' : 'late'}`;
    },
  },
  {
    name: 'SIGSTOP with requests in flight',
    cells: ['stream'],
    isFast: false,
    right: '200 whole',
    why: 'No byte for 10 s, then 25 s for /health: the worker hangs. Requests whose head has not come go to another worker.',
    withinMs: HUNG_MS,
    flags: () => ['--health-check-interval-secs', '1', '--health-check-timeout-secs', '1'],
    play: async (scene) => {
      const [stopped] = await useSims(scene, 2);
      stopped?.program.child.kill('SIGSTOP');
      scene.after(() => void stopped?.program.child.kill('SIGCONT'));
      return askSims(scene, 4);
    },
  },
  {
    name: 'frozen scheduler',
    cells: SINGLE,
    isFast: false,
    right: { stream: '200 cut call_upstream_hung, 200 whole', else: '200 whole' },
    why: '/ready stays 200, and /health fails after 20 s: the worker hangs. Requests without a head go to another worker. /generate sends the head of a stream before it computes, and what has begun is cut.',
    withinMs: HUNG_MS,
    play: async (scene) => {
      const [frozen] = await useSims(scene, 2);
      const { status, text } = await ask(frozen?.port ?? 0, { path: '/sim/faults', body: JSON.stringify({ kind: 'freeze' }) });
      if (status >= 300) throw new Error(`the fault was refused: ${status} ${text}`);
      return askSims(scene, 4);
    },
  },
  {
    name: 'one worker answers 502',
    cells: SINGLE,
    isFast: true,
    right: '200 whole, set aside',
    why: 'Its breaker opens after 10 failures (--cb-failure-threshold), so that retries do not go on for ever.',
    withinMs: 3000,
    play: async (scene) => {
      const [bad] = scene.engines;
      const fail = async (call: Call): Promise<void> => {
        await call.body();
        if (bad?.calls.includes(call)) await call.write(answer(502, { 'content-type': 'text/plain' }, 'scripted'));
        else await answerWell(call);
      };
      scene.strike(fail, Number.POSITIVE_INFINITY);
      const seen = await scene.askTimes(40);
      const failures = bad?.calls.length ?? 0;
      return `${seen}, ${failures <= 12 ? 'set aside' : `${failures} failures`}`;
    },
  },
  reloadUnderLoad(),
];

function reloadUnderLoad(): Fault {
  let file = '';
  return {
    name: 'reload under load',
    cells: CELLS,
    isFast: true,
    right: '200 whole during the reload, 200 whole after it',
    why: 'SIGHUP with --config changes policies, limits and times, and drops no connection.',
    withinMs: 3000,
    flags: (directory) => {
      file = join(directory, 'router.yaml');
      writeFileSync(file, 'request-timeout-secs: 100\n');
      return ['--config', file];
    },
    play: async (scene) => {
      const go = gate();
      scene.strike(async (call) => {
        await call.body();
        await go.promise;
        await answerWell(call);
      }, 2);
      const clients = await Promise.all([scene.send(), scene.send()]);
      await until(() => scene.struck === 2, 'the requests at the engines');
      writeFileSync(file, 'request-timeout-secs: 50\npolicy: power_of_two\nmax-concurrent-requests: 64\nretry-max-retries: 2\n');
      scene.router.program.child.kill('SIGHUP');
      await scene.router.program.says('settings reloaded');
      const during = await scene.askTimes(4);
      go.open();
      const outcomes = await Promise.all(clients.map((client) => scene.outcome(client)));
      return `${during} during the reload, ${[...new Set(outcomes.map(({ text }) => text))].join(', ')} after it`;
    },
  };
}
