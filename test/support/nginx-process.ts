/** The real nginx with a generated configuration: unprivileged, on a free port of the loopback, in a directory of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { until, within } from './until.ts';

/** `nobody`: nginx must not need to be root. */
const NOBODY = 65_534;

/** Why tests with nginx cannot run here, or false. */
export const NGINX_MISSING: string | false =
  spawnSync('nginx', ['-v']).error === undefined ? false : 'nginx is NOT INSTALLED: nothing of it is tested (apt-get install nginx)';

const identity = (): { uid?: number; gid?: number } => (process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {});

function directoryWith(t: TestContext, config: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'nginx test '));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  chmodSync(directory, 0o777);
  mkdirSync(join(directory, 'nginx'));
  chmodSync(join(directory, 'nginx'), 0o777);
  writeFileSync(join(directory, 'nginx', 'nginx.conf'), config);
  return directory;
}

const wordsFor = (directory: string): string[] => ['-e', 'stderr', '-p', join(directory, 'nginx'), '-c', 'nginx.conf'];

/** Everything that `nginx -t` says, and its exit status. */
export function checkConfig(t: TestContext, config: string): { readonly status: number | null; readonly text: string } {
  const { status, stderr } = spawnSync('nginx', [...wordsFor(directoryWith(t, config)), '-t'], { ...identity(), encoding: 'utf8' });
  return { status, text: stderr };
}

export interface Nginx {
  readonly port: number;
  /** What it has written to stderr. */
  log(): string;
}

/** Runs until the test ends. `configFor` gets the address to listen on. */
export async function startNginx(t: TestContext, configFor: (listen: string) => string): Promise<Nginx> {
  const port = await freePort();
  const directory = directoryWith(t, configFor(`127.0.0.1:${port}`));
  const child = spawn('nginx', wordsFor(directory), { ...identity(), stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  t.after(() => stop(child, ended));
  let isListening = false;
  const probe = (): void => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => {
      if (child.exitCode === null) setTimeout(probe, 5);
    });
    socket.on('connect', () => {
      isListening = true;
      socket.destroy();
    });
  };
  probe();
  await until(
    () => {
      if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}: ${log}`);
      return isListening;
    },
    () => `nginx listens; it said: ${log}`,
  );
  return { port, log: () => log };
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.exitCode === null) child.kill('SIGTERM');
  await within(ended, 'the end of nginx');
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.on('listening', resolve));
  const { port } = server.address() as net.AddressInfo; // A TCP server's address has a port.
  await new Promise((resolve) => server.close(resolve));
  return port;
}
