/** Paths with variable segments: `{name}` stands for one segment, a last `{name...}` for one or more. */

/** Both without the query, cut at `/`. */
export function matches(pattern: readonly string[], path: readonly string[]): boolean {
  const open = pattern.at(-1)?.endsWith('...}') ?? false;
  if (open ? path.length < pattern.length : path.length !== pattern.length) return false;
  for (let i = 0; i < pattern.length; i++) {
    const part = pattern[i]!;
    if (part.startsWith('{')) {
      if (path[i] === '') return false;
    } else if (part !== path[i]) return false;
  }
  return true;
}

/** Values of the `{name}` segments of `pattern` in a path that matches it, percent-decoded where that is possible. */
export function pathParams(pattern: string, path: string): Record<string, string> {
  const params: Record<string, string> = {};
  const segments = path.split('/');
  pattern.split('/').forEach((part, i) => {
    if (!part.startsWith('{')) return;
    const open = part.endsWith('...}');
    const raw = open ? segments.slice(i).join('/') : segments[i]!;
    params[part.slice(1, open ? -4 : -1)] = decode(raw);
  });
  return params;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
