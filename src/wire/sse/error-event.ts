/** The last event of a stream that failed after its head had been sent, in the form that the clients of each API read. */

/** Events of the OpenAI chat and completion APIs and of /generate have no type: `data: {"error":{...}}`. `body` is JSON text. */
export function errorEvent(body: string): Buffer {
  return Buffer.from(`data: ${oneLine(body)}\n\n`);
}

/** The form of /v1/messages (Anthropic): `event: error`, with a type of that API. */
export function messagesErrorEvent(type: string, message: string): Buffer {
  return Buffer.from(`event: error\ndata: ${JSON.stringify({ type: 'error', error: { type, message } })}\n\n`);
}

/** The form of /v1/responses (OpenAI): `event: error`, the error's fields at the top. */
export function responsesErrorEvent(code: string, message: string): Buffer {
  return Buffer.from(`event: error\ndata: ${JSON.stringify({ type: 'error', code, message, param: null })}\n\n`);
}

/** A line end inside a data field would end the field. In JSON text it can only be white space. */
function oneLine(json: string): string {
  return json.replace(/[\r\n]+/g, ' ');
}
