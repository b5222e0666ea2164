/** Paths that control an engine: caches, aborts, pauses. Source: behaviour recorded from SGLang 0.5.23. */
import type { PauseMode } from '../engine/generation-pause.ts';
import type { Call } from '../http/call.ts';
import { pythonRepr } from '../http/python-json.ts';
import { withBody } from './error-answers.ts';
import { type Body, type Handler, schemaError, structProblem } from './request-body.ts';

const FLUSHED =
  'Cache flushed.\nPlease check backend logs for more details. (When there are running or waiting requests, the operation will not be performed.)\n';
/** Time between two attempts of a flush that waits for an idle engine. */
const FLUSH_POLL_MS = 100;
const MODES: readonly PauseMode[] = ['abort', 'retract', 'in_place'];

const handlerOf = (path: string, line: number, name: string, struct: string): Handler => ({
  method: 'POST',
  path,
  line,
  name,
  input: { kind: 'struct', name: struct },
});
const ABORT = handlerOf('/abort_request', 1721, 'abort_request', 'AbortReq');
const PAUSE = handlerOf('/pause_generation', 1831, 'pause_generation', 'PauseGenerationReqInput');
const CONTINUE = handlerOf('/continue_generation', 1844, 'continue_generation', 'ContinueGenerationReqInput');

export function root({ answer }: Call): void {
  answer.json(200, '"SGLang is running"');
}

/** Empties the prefix caches: 400 while requests are under way, unless they end within `?timeout=SECONDS`. */
export function flushCache({ engine, answer, query }: Call): void {
  const untilMs = engine.clock.nowMs() + Number(query.get('timeout') ?? 0) * 1000;
  const attempt = (): void => {
    // Every rank flushes, even if the first one fails.
    const flushed = engine.schedulers.map((scheduler) => scheduler.flush());
    if (flushed.every(Boolean)) answer.send(200, FLUSHED, null);
    else if (engine.clock.nowMs() < untilMs && !answer.isGone)
      engine.clock.after(FLUSH_POLL_MS, () => {
        engine.link.send(attempt);
      });
    else answer.send(400, 'Flush cache failed.\n', null);
  };
  engine.link.send(attempt);
}

/** Always 200 and empty. If a request has the id, every request whose id starts with it is aborted. */
export function abortRequest(call: Call): void {
  withBody(call, ABORT, ({ rid, abort_all: all }) => {
    const { engine, answer } = call;
    const isKnown = [...engine.jobs].some((job) => job.rids.some((known) => known === rid));
    if (all === true) engine.abortJobs(() => true);
    else if (typeof rid === 'string' && isKnown) engine.abortJobs((known) => known.startsWith(rid));
    answer.send(200, '', null);
  });
}

export function pauseGeneration(call: Call): void {
  withBody(call, PAUSE, (body) => {
    const mode = modeOf(body);
    call.engine.pause.pause(mode, () => call.answer.json(200, '{"message":"Generation paused successfully.","status":"ok"}'));
  });
}

export function continueGeneration(call: Call): void {
  withBody(call, CONTINUE, () => {
    call.engine.pause.continue(() => call.answer.json(200, '{"message":"Generation continued successfully.","status":"ok"}'));
  });
}

/** Throws a SchemaError for an unknown mode. */
function modeOf(body: Body): PauseMode {
  const { mode = 'abort' } = body;
  const known = MODES.find((name) => name === mode);
  if (known !== undefined) return known;
  const expected = "'abort', 'retract' or 'in_place'";
  const loc = ['body', 'function-after[build_struct(), PauseGenerationReqInput]', 'mode'];
  throw schemaError(PAUSE, [
    structProblem('PauseGenerationReqInput', pythonRepr(body)),
    { type: 'literal_error', loc, msg: `Input should be ${expected}`, input: pythonRepr(mode), ctx: `{'expected': "${expected}"}` },
  ]);
}
