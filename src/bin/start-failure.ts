/** Why a program could not start, for the person who started it. */

export function startFailure(error: unknown, host: string, port: number): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'EADDRINUSE':
      return `error: ${host}:${port} is taken by another process; choose another port with --port, or stop that process`;
    case 'EACCES':
      return `error: no permission to listen on ${host}:${port}; ports below 1024 need privileges`;
    case 'EADDRNOTAVAIL':
      return `error: ${host} is not an address of this machine; use 127.0.0.1, 0.0.0.0 or one of its own with --host`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `error: the host name ${host} cannot be resolved; check --host`;
    default:
      return `error: ${error instanceof Error ? error.message : String(error)}`;
  }
}
