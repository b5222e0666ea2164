/** Heads as they come in practice, for benchmarks. */

/** What the Python client of OpenAI sends, fields for fields: 12 of them, about 400 bytes. */
export const REQUEST_HEAD: Buffer = Buffer.from(
  [
    'POST /v1/chat/completions HTTP/1.1',
    'Host: 127.0.0.1:3001',
    'Accept-Encoding: gzip, deflate',
    'Connection: keep-alive',
    'Accept: application/json',
    'Content-Type: application/json',
    'User-Agent: OpenAI/Python 1.52.0',
    'X-Stainless-Lang: python',
    'X-Stainless-Async: false',
    'X-Stainless-Retry-Count: 0',
    'Authorization: Bearer sk-0123456789abcdef0123456789abcdef',
    'X-Request-Id: chatcmpl-0123456789abcdefghijklmn',
    'Content-Length: 1536',
    '',
    '',
  ].join('\r\n'),
  'latin1',
);

/** What an engine behind uvicorn answers to a stream. */
export const RESPONSE_HEAD: Buffer = Buffer.from(
  [
    'HTTP/1.1 200 OK',
    'date: Fri, 01 Jan 2027 00:00:00 GMT',
    'server: uvicorn',
    'x-request-id: chatcmpl-0123456789abcdefghijklmn',
    'content-type: text/event-stream; charset=utf-8',
    'transfer-encoding: chunked',
    '',
    '',
  ].join('\r\n'),
  'latin1',
);
