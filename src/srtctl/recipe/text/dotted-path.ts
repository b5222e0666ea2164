/** Dotted paths as people type them: `backend.sglang_config.prefill.tp-size`, `container_mounts."/a.b"`, `extra_mount.0`. */

export interface DottedPath {
  readonly steps: readonly string[];
  /** What follows the path: empty, or `=...`. */
  readonly rest: string;
}

/** Null if the text does not begin with a path. Keys with dots or `=` stand in double quotes, as in JSON. */
export function readDottedPath(text: string): DottedPath | null {
  const steps: string[] = [];
  let at = 0;
  for (;;) {
    const step = text[at] === '"' ? quotedStep(text, at) : plainStep(text, at);
    if (step === null || step.key === '__proto__') return null;
    steps.push(step.key);
    at = step.end;
    if (text[at] !== '.') return { steps, rest: text.slice(at) };
    at++;
  }
}

interface Step {
  readonly key: string;
  readonly end: number;
}

function plainStep(text: string, from: number): Step | null {
  let end = from;
  while (end < text.length && !'.="'.includes(text[end]!)) end++;
  return end === from || text[end] === '"' ? null : { key: text.slice(from, end), end };
}

function quotedStep(text: string, from: number): Step | null {
  let end = from + 1;
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
  if (end >= text.length) return null;
  try {
    // Ends in a quote and begins with one, so it is a string if it is JSON at all.
    return { key: JSON.parse(text.slice(from, end + 1)) as string, end: end + 1 };
  } catch {
    // Not JSON: a bad escape, told as a path that cannot be read.
    return null;
  }
}
