/** Redirects between a path with a slash at its end and the one without, as FastAPI (Starlette) does for routes that exist. */
import type { IncomingMessage } from 'node:http';
import type { RouteTable } from './call.ts';

/**
 * The `location` of an answer 307 to a path that no route has; null when the other spelling has none either. The method does not
 * matter. Host and scheme are those of the request: uvicorn believes `x-forwarded-proto` of a proxy on the same machine.
 */
export function findSlashRedirect(routes: RouteTable, request: IncomingMessage, path: string): string | null {
  const other = path.endsWith('/') ? path.replace(/\/+$/, '') : `${path}/`;
  if (path === '/' || routes.find(other) === null) return null;
  const { host = '', 'x-forwarded-proto': proto } = request.headers;
  const query = /\?.*$/s.exec(request.url ?? '')?.[0] ?? '';
  return `${proto === 'https' ? 'https' : 'http'}://${host}${other}${query}`;
}
