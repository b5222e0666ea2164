/** Why a program could not start, for the person who started it. */
import { SettingError } from '../router/compose.ts';
import { WorkersFileError } from '../router/control/sources/workers-file.ts';
import { ProbePortError } from '../router/probes/probe-port.ts';
import { MetricsPortError } from '../router/telemetry/metrics-server.ts';
import { TlsFileError } from '../router/tls/tls-files.ts';

/** A setting is wrong. */
export const EXIT_USAGE = 2;
const EXIT_FAILURE = 1;

export interface StartFailure {
  /** One line: what is wrong and what to do. */
  readonly text: string;
  /** The machine or a setting is the cause, not the program: a stack would help nobody. */
  readonly isExpected: boolean;
  readonly exitCode: number;
}

/** `command`: what stands before flags in a suggestion, for programs that are not started as `router`. */
export function startFailure(error: unknown, host: string, port: number, command: string = ''): StartFailure {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'EADDRINUSE':
      return expected(
        `${host}:${port} is taken by another process; choose another port (${command}--port ${other(port)}), or stop that process`,
      );
    case 'EACCES':
      return expected(`no permission to listen on ${host}:${port}; ports below 1024 need privileges`);
    case 'EADDRNOTAVAIL':
      return expected(`${host} is not an address of this machine; use 127.0.0.1, 0.0.0.0 or one of its own with --host`);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return expected(`the host name ${host} cannot be resolved; check --host`);
  }
  if (error instanceof SettingError || error instanceof WorkersFileError || error instanceof TlsFileError)
    return { text: error.message, isExpected: true, exitCode: EXIT_USAGE };
  if (error instanceof MetricsPortError || error instanceof ProbePortError) return expected(error.message);
  return { text: error instanceof Error ? error.message : String(error), isExpected: false, exitCode: EXIT_FAILURE };
}

function expected(text: string): StartFailure {
  return { text, isExpected: true, exitCode: EXIT_FAILURE };
}

function other(port: number): number {
  return port < 65_535 ? port + 1 : port - 1;
}
