/**
 * Who may ask for what: 401 without a key that the router knows, 403 where the key's role is too low.
 *
 *   route                                          --api-key only    both                 --control-plane-api-keys only
 *   health of the router, models, model info       everyone          everyone             everyone
 *   control API, metrics path                      the key           role admin           role admin
 *   everything else                                the key           the key              everyone
 *
 * Source: sglang_router 0.3.2, except that server information needs the key: it can hold secrets of an engine's command line.
 */
import type { RequestHead } from '../../../wire/http1/request-head.ts';
import type { ClientKey } from '../../keys/client-key.ts';
import type { ControlKeys } from '../../keys/control-keys.ts';
import type { RequestRecord } from '../routing/request-record.ts';
import type { Check, Refusal } from './gate.ts';

export interface Keys {
  /** Null: requests need none. */
  readonly client: ClientKey | null;
  /** Null: the control API asks for the key of clients. */
  readonly control: ControlKeys | null;
}

/** Routes to workers that everybody may use: what they say is the same for all and holds no secret. */
const OPEN_PATHS: ReadonlySet<string> = new Set(['/v1/models', '/v1/models/{id...}', '/get_model_info', '/model_info', '/health_generate']);
/** Routes of the router that are open without keys, and are guarded with them. */
const SECRET_PATHS: ReadonlySet<string> = new Set(['/get_server_info', '/server_info']);

export function keys({ client, control }: Keys): Check {
  return (request) => {
    const { route } = request;
    if (route.local?.access === 'control' && control !== null) return controlAccess(request, control);
    if (client === null || isOpen(request)) return null;
    const key = keyOf(request.head);
    return key !== null && client.isKey(key) ? null : unauthorized(key !== null);
  };
}

function isOpen({ route, head }: RequestRecord): boolean {
  if (route.local !== null) return route.local.access === 'public' && !SECRET_PATHS.has(route.local.path);
  return (head.method === 'GET' || head.method === 'HEAD') && OPEN_PATHS.has(route.path);
}

function controlAccess(request: RequestRecord, control: ControlKeys): Refusal | null {
  const key = keyOf(request.head);
  const principal = key === null ? null : control.find(key);
  if (principal === null) return unauthorized(key !== null);
  request.principal = principal.id;
  if (principal.role === 'admin') return null;
  return { code: 'forbidden', message: `${request.head.path} needs a key with the role admin; the role of this one is ${principal.role}` };
}

/** The key that a client sends: as OpenAI's clients do, or as Anthropic's. Null: none. */
export function keyOf(head: RequestHead): string | null {
  const { fields } = head;
  let other: string | null = null;
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at];
    if (name === 'authorization') {
      const value = fields[at + 1]!;
      // The name of a scheme has no case (RFC 9110 11.1).
      if (value.length > 7 && value.charCodeAt(6) === 32 && value.substring(0, 6).toLowerCase() === 'bearer')
        return value.substring(7).trim();
    } else if (name === 'x-api-key') other = fields[at + 1]!;
  }
  return other;
}

/** RFC 6750 3: no error code where no key was sent. */
function unauthorized(isGiven: boolean): Refusal {
  return {
    code: 'unauthorized',
    message: isGiven ? 'the key is not known here' : 'a key is missing: send Authorization: Bearer KEY, or x-api-key: KEY',
    headers: { 'www-authenticate': isGiven ? 'Bearer error="invalid_token"' : 'Bearer' },
  };
}
