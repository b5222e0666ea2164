/** Health paths of the engine. Only /health and /health_generate ask the schedulers. Source: behaviour recorded from SGLang 0.5.23. */
import type { Call } from '../http/call.ts';

/** After this, a health check without an answer of the schedulers fails. */
const HEALTH_TIMEOUT_MS = 20_000;
/** Time between two looks of a check that does not pass at once, without a health delay. */
const LOOK_MS = 1000;

/**
 * /health and /health_generate: 200 after the delay if a request of one token is answered, 503 if it is not answered in time. Both
 * results set the flag that /ready and /ping show.
 */
export function health({ engine, answer }: Call): void {
  if (engine.state === 'starting' || engine.state === 'draining') {
    answer.send(503, '', null);
    return;
  }
  const delayMs = engine.scaled(engine.options.healthDelaySecs * 1000);
  const everyMs = delayMs > 0 ? delayMs : engine.scaled(LOOK_MS);
  const untilMs = engine.clock.nowMs() + engine.scaled(HEALTH_TIMEOUT_MS);
  const settle = (isWell: boolean): void => {
    engine.isUnhealthy = !isWell;
    answer.send(isWell ? 200 : 503, '', null);
  };
  const look = (): void => {
    if (engine.isResponsive) settle(true);
    else if (engine.clock.nowMs() >= untilMs) settle(false);
    else lookAfter(everyMs);
  };
  const lookAfter = (ms: number): void => {
    timer = engine.clock.after(ms, look);
  };
  let timer = NO_TIMER;
  answer.onGone(() => timer.cancel());
  if (delayMs > 0) lookAfter(delayMs);
  else look();
}

const NO_TIMER = { cancel: (): void => {} };

/** The flag of the last health check; also 503 during a pause. */
export function ready({ engine, answer }: Call): void {
  answer.send(engine.isReady ? 200 : 503, '', null);
}

/** The flag of the last health check, also during a pause. */
export function ping({ engine, answer }: Call): void {
  const isUp = engine.state !== 'draining' && engine.state !== 'starting' && !engine.isUnhealthy;
  answer.send(isUp ? 200 : 503, '', null);
}
