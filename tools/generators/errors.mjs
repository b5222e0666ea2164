// docs/errors.md from the one table of errors.
import { ERRORS, errorBody } from '../../dist/base/core/errors.js';

export function outputs() {
  const rows = Object.entries(ERRORS)
    .map(([code, entry]) => ({ code, ...entry }))
    .sort((a, b) => a.status - b.status || (a.code < b.code ? -1 : 1))
    .map(({ code, status, type, source, meaning }) => `| ${status} | \`${code}\` | \`${type}\` | ${source} | ${meaning} |`);
  const example = JSON.stringify(JSON.parse(errorBody('no_available_workers', ERRORS.no_available_workers.meaning)), null, 2);
  const text = `# Errors

<!-- Written by tools/generate.mjs from src/base/core/errors.ts. Do not edit. -->

An error of the router's own is an OpenAI error object, and its code stands in the header field \`X-SMG-Error-Code\` too:

\`\`\`json
${example}
\`\`\`

An answer of a worker, whatever its status, comes through as the worker gave it and has no such field. "Source" says who caused the error: the
client, a worker, or the router itself. No body names an internal address, a path or a stack; the log does.

| Status | Code | Type | Source | Meaning |
|---|---|---|---|---|
${rows.join('\n')}
`;
  return [{ file: 'docs/errors.md', text }];
}
