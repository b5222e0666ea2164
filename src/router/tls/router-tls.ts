/** The TLS of a router: the certificate of its port, and what it needs for https:// workers. */
import { TlsFiles, type TlsParts } from './tls-files.ts';

type Parts = Omit<TlsParts, 'owner'>;

export interface TlsSettings {
  readonly tlsCertPath: string | null;
  readonly tlsKeyPath: string | null;
  readonly clientCertPath: string | null;
  readonly clientKeyPath: string | null;
  readonly caCertPaths: readonly string[];
}

export interface RouterTls {
  /** Null: the port is plain HTTP. */
  readonly server: TlsFiles | null;
  /** Null: what Node knows is enough. */
  readonly workers: TlsFiles | null;
  start(): void;
  /** Resolves when no file is watched any more. */
  stop(): Promise<void>;
}

/** Throws TlsFileError. */
export async function openTls(settings: TlsSettings, parts: Parts): Promise<RouterTls> {
  const { tlsCertPath, tlsKeyPath, clientCertPath, clientKeyPath, caCertPaths } = settings;
  const server =
    tlsCertPath === null ? null : await TlsFiles.open({ cert: tlsCertPath, key: tlsKeyPath, cas: [] }, { ...parts, owner: 'the router' });
  const workers =
    clientCertPath === null && caCertPaths.length === 0
      ? null
      : await TlsFiles.open({ cert: clientCertPath, key: clientKeyPath, cas: caCertPaths }, { ...parts, owner: 'the router as a client' });
  const all = [server, workers].filter((files) => files !== null);
  return {
    server,
    workers,
    start: () => {
      for (const files of all) files.start();
    },
    stop: async () => {
      await Promise.all(all.map((files) => files.stop()));
    },
  };
}
