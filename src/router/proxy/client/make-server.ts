/** The server below the listener: plain TCP, or TLS. compose.ts chooses. */
import net from 'node:net';
import tls from 'node:tls';

/** `accept` gets each connection that is ready to be read. */
export type MakeServer = (accept: (socket: net.Socket) => void) => net.Server;

export const plainServer: MakeServer = (accept) => net.createServer({ noDelay: true, allowHalfOpen: true, pauseOnConnect: true }, accept);

/** Certificates that may change while the server listens. */
export interface ServerCertificate {
  readonly texts: tls.SecureContextOptions;
  subscribe(listener: (texts: tls.SecureContextOptions) => void): void;
}

export interface TlsServerSettings {
  /** For the handshake, from the TCP connection on. */
  readonly handshakeTimeoutMs: number;
  /** Sockets, those in their handshake included. */
  readonly maxSockets: number;
}

/** TLS 1.2 and 1.3, HTTP/1.1. A failed handshake ends its socket, and nothing else hears of it. */
export function tlsServer(certificate: ServerCertificate, { handshakeTimeoutMs, maxSockets }: TlsServerSettings): MakeServer {
  return (accept) => {
    const options = { minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'], allowHalfOpen: true, noDelay: true } as const;
    const server = tls.createServer({ ...options, ...certificate.texts, handshakeTimeout: handshakeTimeoutMs }, accept);
    server.maxConnections = maxSockets;
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    certificate.subscribe((texts) => server.setSecureContext({ minVersion: 'TLSv1.2', ...texts }));
    return server;
  };
}

/** Not `instanceof`: what matters is that its handle is no TCP socket. */
export function isEncrypted(socket: net.Socket): boolean {
  return 'encrypted' in socket;
}
