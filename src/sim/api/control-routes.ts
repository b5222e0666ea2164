/** Health and control paths of the engine. Source: behaviour recorded from SGLang 0.5.23. */
import type { Call } from '../http/call.ts';

const FLUSHED =
  'Cache flushed.\nPlease check backend logs for more details. (When there are running or waiting requests, the operation will not be performed.)\n';
/** A health check of an engine whose scheduler does not answer gives up after this. */
const HEALTH_TIMEOUT_MS = 20_000;

/** /health and /health_generate: not before the delay, and only if the scheduler moves. */
export function health({ engine, answer }: Call): void {
  if (engine.state === 'starting' || engine.state === 'draining') {
    answer.send(503, '', null);
    return;
  }
  const isStuck = engine.state === 'dead';
  const delayMs = engine.scaled(isStuck ? HEALTH_TIMEOUT_MS : engine.options.healthDelaySecs * 1000);
  const reply = (): void => answer.send(engine.state === 'ready' ? 200 : 503, '', null);
  if (delayMs <= 0) {
    reply();
    return;
  }
  const timer = engine.clock.after(delayMs, reply);
  answer.onGone(() => timer.cancel());
}

/** /ready: 503 also when paused. */
export function ready({ engine, answer }: Call): void {
  answer.send(engine.state === 'ready' && !engine.scheduler.isPaused ? 200 : 503, '', null);
}

export function ping({ engine, answer }: Call): void {
  answer.send(engine.state === 'draining' || engine.state === 'starting' ? 503 : 200, '', null);
}

export function root({ answer }: Call): void {
  answer.json(200, '"SGLang is running"');
}

export function flushCache({ engine, answer }: Call): void {
  for (const scheduler of engine.schedulers) scheduler.flush();
  answer.send(200, FLUSHED, null);
}

/** 200 and nothing, whatever the body says. */
export function abortRequest({ engine, answer, body }: Call): void {
  const { rid, abort_all: all } = parsed(body);
  for (const job of [...engine.jobs]) {
    for (const generation of [...job.generations]) {
      const isMeant = all === true || (typeof rid === 'string' && rid !== '' && generation.spec.rid.startsWith(rid));
      if (isMeant) engine.schedulerOf(generation).cancel(generation);
    }
  }
  answer.send(200, '', null);
}

export function pauseGeneration({ engine, answer }: Call): void {
  for (const scheduler of engine.schedulers) scheduler.pause();
  answer.json(200, '{"status":"ok","message":"Generation paused successfully."}');
}

export function continueGeneration({ engine, answer }: Call): void {
  for (const scheduler of engine.schedulers) scheduler.resume();
  answer.json(200, '{"status":"ok","message":"Generation continued successfully."}');
}

function parsed(body: Buffer): { readonly rid?: unknown; readonly abort_all?: unknown } {
  try {
    return JSON.parse(body.toString('utf8')) ?? {};
  } catch {
    // The engine logs it and answers 200 all the same.
    return {};
  }
}
