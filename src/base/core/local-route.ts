/** A route that the router answers itself. The listener owns sockets and framing; who handles a route sees only this. */

export interface LocalRequest {
  readonly method: string;
  /** Path without query, percent-encoding kept. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Values of `{name}` segments of the route's pattern, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** Value of the client's Authorization field, null: none. For workers that are asked on its behalf. */
  readonly authorization: string | null;
  readonly body: Buffer;
}

export interface LocalResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent with its content-type from `headers`, else text/plain for strings. */
  readonly body: string | Buffer;
}

/**
 * An answer too large for one write. The listener takes a slice when the client has taken the one before, so an answer costs the
 * memory of one slice. A slice should take well below a millisecond to make and to write.
 */
export interface SlicedResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly slices: AsyncIterable<string>;
}

export interface LocalRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path with `{name}` for one segment, e.g. `/workers/{id}`; a last `{name...}` takes the rest. */
  readonly path: string;
  /** `public`: no key ever; `control`: guarded by keys once they exist. */
  readonly access: 'public' | 'control';
  handle(request: LocalRequest): LocalResponse | SlicedResponse | Promise<LocalResponse>;
}

/** A JSON answer. */
export function jsonResponse(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): LocalResponse {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(value),
  };
}
