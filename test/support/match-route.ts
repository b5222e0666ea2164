/** Calls a local route as a listener would: finds it by method and path and hands it the decoded parameters. */
import type { LocalResponse, LocalRoute } from '../../src/base/core/local-route.ts';

/** `body`: sent as JSON unless it is a Buffer. Throws when no route matches. */
export async function matchRoute(
  routes: readonly LocalRoute[],
  method: string,
  target: string,
  body?: unknown,
  authorization: string | null = null,
): Promise<LocalResponse> {
  const url = new URL(target, 'http://router');
  for (const route of routes) {
    const params = route.method === method ? paramsOf(route.path, url.pathname) : null;
    if (params === null) continue;
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body === undefined ? '' : JSON.stringify(body));
    const response = await route.handle({ method, path: url.pathname, query: url.searchParams, params, authorization, body: bytes });
    if ('slices' in response) throw new Error(`${target} answers in slices`);
    return response;
  }
  throw new Error(`no route for ${method} ${target}`);
}

function paramsOf(pattern: string, path: string): Record<string, string> | null {
  const names: string[] = [];
  const source = pattern.replace(/\{(\w+)(\.\.\.)?\}/g, (_whole, name: string, rest: string | undefined) => {
    names.push(name);
    return rest === undefined ? '([^/]+)' : '(.+)';
  });
  const match = new RegExp(`^${source}$`).exec(path);
  return match === null ? null : Object.fromEntries(names.map((name, i) => [name, decodeURIComponent(match[i + 1] ?? '')]));
}
