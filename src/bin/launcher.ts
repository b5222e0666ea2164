/**
 * The program that started this one and answers for it, such as a Python process that holds a router. Both ends share a socket:
 * the router tells on it that it listens, and its end is the end of the launcher, however that came about (`kill -9` included).
 */
import { Socket } from 'node:net';

/** Number of the file descriptor of the socket. Not SGLANG_ROUTER_*: those are settings. */
const FD_VARIABLE = 'ROUTER_LAUNCHER_FD';
/** Why the launcher took this Node, for the log. */
const NODE_VARIABLE = 'ROUTER_NODE_REASON';

/** Written once, as a line of JSON. */
export interface Listening {
  readonly host: string;
  /** In fact, also where 0 was asked for. */
  readonly port: number;
  /** Null: no metrics are served. */
  readonly metrics: { readonly host: string; readonly port: number } | null;
}

export class Launcher {
  readonly nodeReason: string | null;
  readonly #socket: Socket | null;

  /** Takes its variables out of `env`, so that nobody further down believes them. */
  static fromEnvironment(env: NodeJS.ProcessEnv): Launcher {
    const fd = env[FD_VARIABLE];
    const reason = env[NODE_VARIABLE] ?? null;
    delete env[FD_VARIABLE];
    delete env[NODE_VARIABLE];
    return new Launcher(fd !== undefined && /^\d{1,9}$/.test(fd) ? new Socket({ fd: Number(fd) }) : null, reason);
  }

  private constructor(socket: Socket | null, nodeReason: string | null) {
    this.#socket = socket;
    this.nodeReason = nodeReason;
  }

  tell(listening: Listening): void {
    this.#socket?.write(`${JSON.stringify(listening)}\n`);
  }

  /** At most once. Never called where no launcher answers for this program. */
  onGone(gone: () => void): void {
    if (this.#socket === null) return;
    let told = false;
    const tell = (): void => {
      if (told) return;
      told = true;
      gone();
    };
    this.#socket.on('end', tell).on('error', tell).on('close', tell);
    // Nothing is expected but its end, which only a flowing socket notices.
    this.#socket.resume();
  }
}
