/**
 * The one table of differences that are known and explained. What is not in it makes the comparison fail, and so does an
 * entry that no longer explains anything. A is the engine or the direct answer, B the simulation or the routed answer.
 */

import type { KnownDifference } from './difference.ts';

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    relation: 'simulated',
    cases: /^server info/,
    lines: /^key only in [AB]: /,
    reason:
      'Most of the 556 keys are launch options of SGLang that the simulation does not have: it tells null for them and leaves out what is nested in them. The keys that routers and launchers read are demanded of both.',
  },
  {
    relation: 'simulated',
    cases: /^transcription/,
    lines: /^(status: (400|500) \| 404|key only in (A: (code|message|object|param|type)|B: detail))/,
    reason: 'Speech is not simulated: 404. The engine has the path, and fails on it with a model of text (500 for a form, 400 for JSON).',
  },
  {
    relation: 'simulated',
    cases: /^docs$/,
    lines: /^text: /,
    reason: 'The simulation has no interactive documentation.',
  },
  {
    relation: 'routed',
    cases: /: (GET|OPTIONS|DELETE)$/,
    lines:
      /^(header only in A: (date|server: |vary: |allow: )|header only in B: (x-smg-error-code: unsupported_method|allow: )|key only in (A: detail|B: error))/,
    reason:
      "A wrong method on a path that the router knows: it answers 405 with the methods itself, in the shape of an OpenAI error, and asks no worker. On paths it does not know the worker's 405 comes through.",
  },
  {
    relation: 'routed',
    cases: /^responses: .*stream$/,
    lines: /^header only in A: connection: keep-alive$/,
    reason: 'The engine names the connection in this one stream; a header about a connection is not passed on.',
  },
  {
    relation: 'routed',
    cases: /health(: HEAD)?$/,
    lines:
      /^(status: 405 \| 200|body: none \| text|header only in A: (date|server: |vary: |allow: GET|content-type: application)|header only in B: content-type: text\/plain)/,
    reason:
      "The router's /health tells of the router: 200 and OK as soon as it runs, for GET and HEAD. /health_generate asks a worker, /readiness tells whether there is one.",
  },
  {
    relation: 'routed',
    cases: /^(liveness|readiness)$/,
    lines: /^(status: 404 \| 200|body: json \| text|header only in|key only in)/,
    reason: 'Paths of the router, which engines do not have.',
  },
  {
    relation: 'routed',
    cases: /^(abort|pause|continue)/,
    lines:
      /^(status: (200|400) \| 404|body: (text|none) \| json|header only in A: (date|server: |vary: )|header only in B: (content-type: application\/json|connection: close|x-smg-error-code: not_found)|key only in )/,
    reason: 'Requests that control one engine are not passed on: whoever may use the router must not stop its workers.',
  },
  {
    relation: 'routed',
    cases: /^metrics(: with a slash)?$/,
    lines: /^(status: 200 \| 404|body: metrics \| json|header only in )/,
    reason:
      "A router's metrics are on a port of their own (--prometheus-port), and those of a worker are not passed on as if they were its own.",
  },
  {
    relation: 'routed',
    cases: /^flush cache: POST/,
    lines:
      /^(body: text \| json|header only in A: (date|server: |vary: |content-type: text)|header only in B: content-type: application\/json|key only in B: )/,
    reason: 'The router asks all workers to empty their caches, and tells how many did, as sglang_router does.',
  },
  {
    relation: 'routed',
    cases: /^flush cache: GET/,
    lines: /^(status: 200 \| 405|body: text \| json|header only in A: content-type: text|header only in B: content-type: application)/,
    reason: 'A GET does not empty caches at the router.',
  },
  {
    relation: 'routed',
    cases: /^rerank: short path/,
    lines: /^(status: 404 \| 400|key only in )/,
    reason: 'The router knows this path, and asks the engine under the one that it has: /v1/rerank.',
  },
  {
    relation: 'routed',
    cases: /stream|prompt of 3000 tokens, from the cache/,
    lines: /^header only in B: x-accel-buffering: no$/,
    reason: 'Proxies such as nginx must not hold back the events of a stream: the router says so in its answer.',
  },
  {
    relation: 'routed',
    cases: /^(unknown path: |slash: an unknown path)/,
    lines:
      /^(header only in A: (date|server: |vary: )|header only in B: (connection: close|x-smg-error-code: not_found)|key only in (A: detail|B: error))/,
    reason: 'Only known paths and those of --forward-paths go to a worker; the router answers others itself, with 404.',
  },
  {
    relation: 'routed',
    cases: /^slash: (GET|GET with a query|POST|another method)$/,
    lines:
      /^(status: 307 \| (200|405)|body: none \| json|header only in A: (date|server: |vary: |location: )|header only in B: (allow: |connection: close|content-type: application\/json|x-smg-error-code: unsupported_method))/,
    reason:
      'The engine redirects a path with a slash at its end to the path without it. The router serves it at once: a redirect would name the worker.',
  },
  {
    relation: 'routed',
    cases: /^slash: a model without a name$/,
    lines: /^(status: 404 \| 200|key only in )/,
    reason: 'The engine takes the slash for a model without a name; the router serves the list of models.',
  },
];
