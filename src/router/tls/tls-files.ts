/**
 * Certificates and keys from files, read again when one of them changes: new connections use the new ones, open connections stay.
 *
 *   LOADED --a file changes--> read all --valid--> LOADED, listeners hear of it
 *                                 '-----not valid (for example the certificate is new and the key is not yet)--> as before, logged
 */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import type { Clock, TimerHandle } from '../../base/core/clock.ts';
import type { Logger } from '../../base/core/logger.ts';
import { FileWatch, type FileWatchOptions } from '../../base/runtime/file-watch.ts';

/** Files in PEM form; null: none. `cas` count beside the certificate authorities that Node knows. */
export interface TlsPaths {
  readonly cert: string | null;
  readonly key: string | null;
  readonly cas: readonly string[];
}

/** As `tls.createSecureContext` takes it. */
export interface TlsTexts {
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string[];
}

/** A file cannot be read, or is not what it should be. The message names the file, and no content. */
export class TlsFileError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TlsFileError';
  }
}

export interface TlsParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** For the log: whose certificate it is, such as "of the router". */
  readonly owner: string;
  readonly watch?: FileWatchOptions;
}

interface Loaded {
  readonly texts: TlsTexts;
  readonly context: SecureContext;
  /** Of the certificate, wall-clock milliseconds; null: there is none. */
  readonly expiresMs: number | null;
}

const DAY_MS = 24 * 3600 * 1000;
/** A certificate that lasts less than this is worth a warning each day. */
const SOON_MS = 14 * DAY_MS;

export class TlsFiles {
  readonly #paths: TlsPaths;
  readonly #parts: TlsParts;
  readonly #watches: readonly FileWatch[];
  readonly #listeners: ((texts: TlsTexts) => void)[] = [];
  #loaded: Loaded;
  #daily: TimerHandle | null = null;
  /** Readings take turns. */
  #reading: Promise<void> = Promise.resolve();

  /** Throws TlsFileError. */
  static async open(paths: TlsPaths, parts: TlsParts): Promise<TlsFiles> {
    return new TlsFiles(paths, parts, await load(paths));
  }

  private constructor(paths: TlsPaths, parts: TlsParts, loaded: Loaded) {
    this.#paths = paths;
    this.#parts = parts;
    this.#loaded = loaded;
    this.#watches = filesOf(paths).map((path) => new FileWatch(path, parts.clock, () => this.#changed(), parts.watch));
  }

  get texts(): TlsTexts {
    return this.#loaded.texts;
  }

  /** For new connections to workers. */
  get context(): SecureContext {
    return this.#loaded.context;
  }

  get expiresMs(): number | null {
    return this.#loaded.expiresMs;
  }

  /** `listener` hears of every change from now on. */
  subscribe(listener: (texts: TlsTexts) => void): void {
    this.#listeners.push(listener);
  }

  /** Starts to watch the files, and the time that the certificate has left. */
  start(): void {
    for (const watch of this.#watches) watch.start();
    this.#warnIfSoon();
  }

  /** Resolves when nothing is read any more. Idempotent. */
  async stop(): Promise<void> {
    this.#daily?.cancel();
    this.#daily = null;
    await Promise.all(this.#watches.map((watch) => watch.stop()));
    await this.#reading;
  }

  #changed(): void {
    this.#reading = this.#reading.then(() => this.#reload());
  }

  async #reload(): Promise<void> {
    const { logger, owner } = this.#parts;
    try {
      const loaded = await load(this.#paths);
      // The first look of a watch reports a change in any case.
      if (JSON.stringify(loaded.texts) === JSON.stringify(this.#loaded.texts)) return;
      this.#loaded = loaded;
    } catch (error) {
      if (!(error instanceof TlsFileError)) throw error;
      logger.error({ owner, problem: error.message }, 'certificate files are not valid: the ones before stay in use');
      return;
    }
    for (const listener of this.#listeners) listener(this.#loaded.texts);
    logger.info({ owner, expires: dateOf(this.#loaded.expiresMs) }, 'certificate files have changed: new connections use them');
    this.#warnIfSoon();
  }

  #warnIfSoon(): void {
    const { expiresMs } = this.#loaded;
    if (expiresMs === null) return;
    const { clock, logger, owner } = this.#parts;
    const leftMs = expiresMs - clock.wallMs();
    if (leftMs <= 0) logger.error({ owner, expires: dateOf(expiresMs) }, 'certificate has expired');
    else if (leftMs < SOON_MS) {
      logger.warn({ owner, expires: dateOf(expiresMs), days: Math.floor(leftMs / DAY_MS) }, 'certificate expires soon');
    }
    this.#daily?.cancel();
    this.#daily = clock.after(DAY_MS, () => this.#warnIfSoon());
  }
}

function filesOf({ cert, key, cas }: TlsPaths): readonly string[] {
  return [...new Set([cert, key, ...cas].filter((path) => path !== null))];
}

function dateOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

async function load({ cert, key, cas }: TlsPaths): Promise<Loaded> {
  const [certText, keyText, ...caTexts] = await Promise.all([cert, key, ...cas].map((path) => (path === null ? null : textOf(path))));
  const certificate = cert === null ? null : certificateIn(cert, certText ?? '');
  for (const [at, path] of cas.entries()) certificateIn(path, caTexts[at] ?? '');
  const authorities = caTexts.filter((text) => text !== null && text !== undefined);
  const texts: TlsTexts = {
    ...(certText === null || certText === undefined ? {} : { cert: certText }),
    ...(keyText === null || keyText === undefined ? {} : { key: keyText }),
    ...(authorities.length === 0 ? {} : { ca: [...rootCertificates, ...authorities] }),
  };
  try {
    return { texts, context: createSecureContext(texts), expiresMs: certificate === null ? null : Date.parse(certificate.validTo) };
  } catch (error) {
    const files = [cert, key].filter((path) => path !== null).join(' and ');
    throw new TlsFileError(`${files}: ${reasonOf(error)}`, { cause: error });
  }
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new TlsFileError(`${path} cannot be read (${codeOf(error)})`, { cause: error });
  }
}

function certificateIn(path: string, text: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (error) {
    throw new TlsFileError(`${path} holds no certificate in PEM form`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  if (code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH') return 'the key is not that of the certificate';
  if (code.includes('PASSWORD') || code.includes('BAD_DECRYPT')) return 'the key is encrypted; expected one without a passphrase';
  return `no certificate with its key in PEM form (${code})`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
