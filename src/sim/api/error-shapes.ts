/** JSON texts of errors, in the shapes that several routes share. Source: answers recorded from SGLang 0.5.23. */

/** Body of an answer to a request that the scheduler gave up. */
export function failureText(message: string, status: number): string {
  if (status === 400) return JSON.stringify({ error: { message } });
  return JSON.stringify({ object: 'error', message, type: String(status), param: null, code: status });
}
