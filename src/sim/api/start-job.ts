/** How routes hand a request to the engine. */
import { EngineError } from '../engine/engine-error.ts';
import { Job, type JobListener } from '../engine/job.ts';
import type { PromptRequest } from '../engine/prompt-request.ts';
import type { Call } from '../http/call.ts';
import { QUEUE_FULL } from '../scheduling/abort-messages.ts';
import type { Generation } from '../scheduling/generation.ts';
import { answerFailure } from './error-answers.ts';

/** Answers a request that the engine rejects, in the shape of the route. */
export type Refuse = (error: EngineError) => void;

/** Starts `request`. During a pause it is held, and checked only when the pause ends. */
export function startJob(call: Call, request: PromptRequest, listener: JobListener, refuse: Refuse): void {
  const { engine, answer } = call;
  engine.pause.pass(() => {
    // The engine drops a held stream whose client left. For a plain request it notices that only while it computes.
    if (request.isStream && answer.isGone) return;
    try {
      const job = new Job(engine, answer, request, listener);
      call.prepareJob(job);
      job.start();
    } catch (error) {
      if (error instanceof EngineError) refuse(error);
      else answer.crashed();
    }
  });
}

/** Runs `request` and answers 200 with the JSON text that `textOf` makes of its generations, by index. */
export function runJob(call: Call, request: PromptRequest, textOf: (done: readonly Generation[]) => string, refuse: Refuse): void {
  const done: Generation[] = [];
  const listener: JobListener = {
    advanced: () => {},
    ended: (generation) => {
      done[generation.spec.index] = generation;
    },
    allEnded: () => call.answer.json(200, textOf(done)),
    refused: () => answerFailure(call, { message: QUEUE_FULL, status: 503 }),
  };
  startJob(call, request, listener, refuse);
}
