/** Error answers in the shapes that several routes share. Source: answers recorded from SGLang 0.5.23. */
import { EngineError } from '../engine/engine-error.ts';
import type { Call } from '../http/call.ts';
import { spacedJson } from '../http/python-json.ts';
import type { Generation } from '../scheduling/generation.ts';
import { type Body, type Handler, parseBody } from './request-body.ts';
import { SchemaError } from './schema-error.ts';

export interface Failure {
  readonly message: string;
  readonly status: number;
}

/** Why the engine failed `generation`; null if it did not, or if a client aborted it. */
export function failureOf({ finish }: Generation): Failure | null {
  return finish?.type === 'abort' && finish.status !== null ? { message: finish.message, status: finish.status } : null;
}

/** JSON text of an error in OpenAI's shape. */
export function errorText(message: string, type: string, code: number): string {
  return JSON.stringify({ object: 'error', message, type, param: null, code });
}

/** Body of the answer to a request that the scheduler failed. */
export function failureText({ message, status }: Failure): string {
  return status === 400 ? JSON.stringify({ error: { message } }) : errorText(message, String(status), status);
}

/** The same for a route of OpenAI's API. */
export function answerFailure(call: Call, { message, status }: Failure): void {
  call.answer.json(status, status === 400 ? errorText(message, 'BadRequestError', 400) : failureText({ message, status }));
}

/** The event that ends a stream of OpenAI's API when the engine failed the request. */
export function streamFailure({ message, status }: Failure): string {
  const type = status === 503 ? 'SERVICE_UNAVAILABLE' : status === 400 ? 'BAD_REQUEST' : 'INTERNAL_SERVER_ERROR';
  return spacedJson({ error: { object: 'error', message, type, param: null, code: status } });
}

/** Calls `run` with the JSON body. If the schema or the engine rejects the request, the answer has OpenAI's shape, for streams too. */
export function withBody(call: Call, handler: Handler, run: (body: Body) => void): void {
  try {
    run(parseBody(handler, call.body, call.contentType));
  } catch (error) {
    answerOpenAiError(call, error);
  }
}

/** Rethrows errors that are not about the request. */
export function answerOpenAiError(call: Call, error: unknown): void {
  if (error instanceof SchemaError) call.answer.json(400, errorText(error.message, 'Bad Request', 400));
  else if (error instanceof EngineError) call.answer.json(error.status, errorText(error.message, 'BadRequestError', error.status));
  else throw error;
}
