/** Redirects a path with a trailing slash to the one without, and back, as FastAPI (Starlette) does for existing routes. */
import type { IncomingMessage } from 'node:http';
import type { RouteTable } from './call.ts';

/**
 * `location` of the 307 answer to a path without a route; null if the other spelling has no route either. The method does not
 * matter. Host and scheme are taken from the request; uvicorn trusts `x-forwarded-proto` of a proxy on the same machine.
 */
export function findSlashRedirect(routes: RouteTable, request: IncomingMessage, path: string): string | null {
  const other = path.endsWith('/') ? path.replace(/\/+$/, '') : `${path}/`;
  if (path === '/' || routes.find(other) === null) return null;
  const { host = '', 'x-forwarded-proto': proto } = request.headers;
  const query = /\?.*$/s.exec(request.url ?? '')?.[0] ?? '';
  return `${proto === 'https' ? 'https' : 'http'}://${host}${other}${query}`;
}
