/** How routes hand a request to the engine. */
import { Job, type JobListener, QUEUE_FULL } from '../engine/job.ts';
import type { PromptRequest } from '../engine/prompt-request.ts';
import type { Call } from '../http/call.ts';
import type { Generation } from '../scheduling/generation.ts';
import { answerFailure } from './error-answers.ts';

/** Throws an EngineError for what the engine refuses. */
export function startJob(call: Call, request: PromptRequest, listener: JobListener): void {
  const job = new Job(call.engine, call.answer, request, listener);
  call.prepareJob(job);
  job.start();
}

/** Runs `request` and answers 200 with the JSON text that `textOf` makes of its generations, by index. Throws as `startJob`. */
export function runJob(call: Call, request: PromptRequest, textOf: (done: readonly Generation[]) => string): void {
  const done: Generation[] = [];
  startJob(call, request, {
    advanced: () => {},
    ended: (generation) => {
      done[generation.spec.index] = generation;
    },
    allEnded: () => call.answer.json(200, textOf(done)),
    refused: () => answerFailure(call, { message: QUEUE_FULL, status: 503 }),
  });
}
