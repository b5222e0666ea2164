/** The event that ends a stream whose worker failed, in the form that clients of the endpoint understand. */
import { type ErrorCode, errorBody } from '../../../base/core/errors.ts';
import { errorEvent, messagesErrorEvent, responsesErrorEvent } from '../../../wire/sse/error-event.ts';

export function cutEvent(endpoint: string, code: ErrorCode, message: string): Buffer {
  if (endpoint === 'messages') return messagesErrorEvent('api_error', message);
  if (endpoint === 'responses') return responsesErrorEvent(code, message);
  return errorEvent(errorBody(code, message));
}
