/**
 * A worker's own address in the fields of its answers. A worker redirects to the address by which it was asked (FastAPI does it for
 * slashes), and a client that follows would leave the router. The router makes such a reference relative to itself. Others pass.
 * Source: `proxy_redirect default` of nginx, for Location and Refresh.
 */
import type { Worker } from '../../../../base/core/worker.ts';

const REFERENCE = /^(?:(https?):)?\/\/([^/?#]*)/i;
const REFRESH = /^([0-9.]+[;,] *url=["']?)(.*)$/i;

export class OwnAddress {
  readonly #scheme: string;
  readonly #port: number;
  readonly #host: string;
  readonly #basePath: string;

  constructor({ scheme, host, port, basePath }: Pick<Worker, 'scheme' | 'host' | 'port' | 'basePath'>) {
    this.#scheme = scheme;
    this.#port = port;
    this.#host = (host.includes(':') ? `[${host}]` : host).toLowerCase();
    this.#basePath = basePath;
  }

  /** `fields`: flat lower-case name, value list; changed in place. */
  hide(fields: string[]): void {
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i]!;
      if (name === 'location' || name === 'content-location') fields[i + 1] = this.#relative(fields[i + 1]!);
      else if (name === 'refresh') fields[i + 1] = this.#refresh(fields[i + 1]!);
    }
  }

  #refresh(value: string): string {
    const [, before, url] = REFRESH.exec(value) ?? [];
    return before === undefined || url === undefined ? value : before + this.#relative(url);
  }

  #relative(reference: string): string {
    const [origin, scheme, authority] = REFERENCE.exec(reference) ?? [];
    if (origin === undefined || authority === undefined || !this.#isOwn(scheme ?? this.#scheme, authority)) return reference;
    const base = this.#basePath;
    const rest = reference.slice(origin.length);
    // What is not below the base path cannot be asked through the router.
    if (!rest.startsWith(base) || !isPathEnd(rest[base.length])) return reference;
    const path = rest.slice(base.length);
    // A path that began with two slashes would be read as another host.
    if (/^\/[/\\]/.test(path)) return `/.${path}`;
    return path.startsWith('/') ? path : `/${path}`;
  }

  #isOwn(scheme: string, authority: string): boolean {
    const named = authority.toLowerCase();
    if (named === `${this.#host}:${this.#port}`) return true;
    return named === this.#host && this.#port === (scheme.toLowerCase() === 'https' ? 443 : 80);
  }
}

function isPathEnd(next: string | undefined): boolean {
  return next === undefined || next === '/' || next === '?' || next === '#';
}
