/** Reads the address of a worker. Used for settings, for the control API and for everything else that names a worker by URL. */
import { parseUrlHost, urlHost } from './host.ts';

export interface WorkerAddress {
  /** Canonical: `scheme://authority` + base path. Two texts that mean the same worker have the same `url`. */
  readonly url: string;
  readonly scheme: 'http' | 'https';
  /** Name or address to connect to, lower case; an IPv6 address without brackets. */
  readonly host: string;
  /** 1 .. 65535. */
  readonly port: number;
  /** Value of the Host field: IPv6 in brackets, the port left out where the scheme implies it (80, 443). */
  readonly authority: string;
  /** '' or '/base', without a trailing slash. */
  readonly basePath: string;
}

export type WorkerAddressResult =
  | { readonly ok: true; readonly address: WorkerAddress }
  /** `expected` completes the sentence "expected ..." and never repeats the text. */
  | { readonly ok: false; readonly expected: string };

const MAX_CHARACTERS = 2048;
const DEFAULT_PORT = { http: 80, https: 443 } as const;

/** `http://` or `https://`, host, optional port, optional base path. Nothing is trimmed; one trailing slash is dropped. */
export function parseWorkerAddress(text: string): WorkerAddressResult {
  if (text.length > MAX_CHARACTERS) return refuse(`at most ${MAX_CHARACTERS} characters`);
  if (!/^[\x21-\x7e]*$/.test(text)) return refuse('a URL of printable ASCII characters without spaces');
  const match = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)([?#]?)/i.exec(text);
  if (match === null) return refuse('http:// or https:// followed by host:port');
  const scheme = match[1]!.toLowerCase();
  const hostAndPort = match[2]!;
  const path = match[3]!;
  if (scheme === 'grpc') return refuse('http:// or https:// (grpc:// workers are not available in this version)');
  if (scheme !== 'http' && scheme !== 'https') return refuse('http:// or https://');
  if (match[4] !== '') return refuse('no query and no fragment');
  if (hostAndPort.includes('@')) return refuse('no user name or password in the URL');

  const authority = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/.exec(hostAndPort);
  const host = authority === null ? null : parseUrlHost(authority[1]!);
  if (host === null) return refuse('a host name, an IPv4 address or an IPv6 address in brackets');
  const port = authority![2] === undefined ? DEFAULT_PORT[scheme] : parsePort(authority![2]);
  if (port === null) return refuse('a port from 1 to 65535');
  const basePath = path.endsWith('/') ? path.slice(0, -1) : path;
  if (!isBasePath(basePath)) return refuse('a base path of plain segments: no empty or dot segments, nothing that needs percent-encoding');

  const shown = port === DEFAULT_PORT[scheme] ? urlHost(host) : `${urlHost(host)}:${port}`;
  const url = `${scheme}://${shown}${basePath}`;
  return { ok: true, address: { url, scheme, host: host.text, port, authority: shown, basePath } };
}

function refuse(expected: string): WorkerAddressResult {
  return { ok: false, expected };
}

function parsePort(text: string): number | null {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65535 ? port : null;
}

/** RFC 3986 `pchar` segments; dot segments are refused, encoded ones too, because peers disagree on what they mean. */
function isBasePath(path: string): boolean {
  if (path === '') return true;
  return path
    .slice(1)
    .split('/')
    .every((segment) => /^(?:[\w.~!$&'()*+,;=:@-]|%[\da-f]{2})+$/i.test(segment) && !/^(?:\.|%2e){1,2}$/i.test(segment));
}
