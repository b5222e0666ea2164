/**
 * A SLURM cluster whose nodes, with pretended GPUs, are all this one machine, as root, with a munge of its own. Nothing of the system's SLURM
 * or munge is touched. Its daemons end with the process that started them, however that ends.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClusterShape, gresConf, slurmConf } from './slurm-conf.ts';

const READY_MS = 60_000;
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
const PROGRAMS = ['munged', 'munge', 'slurmctld', 'slurmd', 'slurmstepd', 'srun', 'sbatch', 'setpriv'];

/**
 * Waits until we let go of its stdin or are gone, however that came, and then removes what daemons leave: slurmstepds without slurmd, tasks
 * without slurmstepd, files. Shells of people that know the cluster are left alone. $1: what their environment holds; $2: state directory.
 */
const REMOVE = `trap '' INT TERM HUP
cat >/dev/null
for round in 1 2 3; do
  for file in $(grep -lszxF "$1" /proc/[0-9]*/environ 2>/dev/null); do
    pid=\${file#/proc/}
    pid=\${pid%/environ}
    case $(cat "/proc/$pid/comm" 2>/dev/null) in
      slurmstepd) ;;
      *) grep -sqz '^SLURM_TASK_PID=' "$file" || continue ;;
    esac
    kill -KILL "$pid" 2>/dev/null
  done
done
rm -rf -- "$2"`;

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Why there can be no cluster here; null: there can. */
export async function whyNoCluster(): Promise<string | null> {
  if (process.getuid?.() !== 0) return 'not root';
  for (const program of PROGRAMS) {
    const { code } = await execute('sh', ['-c', `command -v ${program}`], { ...process.env, PATH });
    if (code !== 0) return `${program} is missing: apt-get install munge slurmctld slurmd slurm-client`;
  }
  return null;
}

export class SlurmCluster {
  readonly shape: ClusterShape;
  /** For everything that talks to this cluster. */
  readonly env: NodeJS.ProcessEnv;
  readonly #daemons = new Map<string, ChildProcess>();
  readonly #remover: ChildProcess;

  /** Resolves when all nodes are idle. Rejects with what the daemons said. */
  static async start(count = 4): Promise<SlurmCluster> {
    const directory = await mkdtemp(join(tmpdir(), 'slurm-'));
    const block = `127.${randomInt(64, 250)}.${randomInt(1, 250)}`;
    const ports = await freePorts(count + 1);
    const cluster = new SlurmCluster({
      directory,
      host: hostname().split('.')[0]!,
      controllerPort: ports[count]!,
      nodes: Array.from({ length: count }, (_, index) => ({
        name: `node${index}`,
        address: `${block}.${10 + index}`,
        port: ports[index]!,
      })),
    });
    try {
      await cluster.#start();
    } catch (error) {
      const said = await cluster.#lastWords();
      await cluster.stop();
      throw new Error(`${(error as Error).message}\n${said}`, { cause: error });
    }
    return cluster;
  }

  private constructor(shape: ClusterShape) {
    this.shape = shape;
    const own = Object.entries(process.env).filter(([name]) => !/^(?:SLURM|SBATCH|SRUN|SQUEUE|SCANCEL|SINFO)_/.test(name));
    this.env = { ...Object.fromEntries(own), PATH, SLURM_CONF: join(shape.directory, 'slurm.conf') };
    const { SLURM_CONF: conf, ...clean } = this.env;
    this.#remover = spawn('sh', ['-c', REMOVE, 'remove', `SLURM_CONF=${conf}`, shape.directory], {
      env: clean,
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
  }

  /** A client command of SLURM, such as `['squeue', '-h']`. */
  command(argv: readonly string[]): Promise<CommandResult> {
    return execute(argv[0]!, argv.slice(1), this.env);
  }

  /** stdout of a command that must succeed, without the last line end. */
  async ask(...argv: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.command(argv);
    assert.equal(code, 0, `${argv.join(' ')}: ${stderr}`);
    return stdout.trimEnd();
  }

  async stop(): Promise<void> {
    if (this.#daemons.has('slurmctld')) {
      const jobs = (await this.command(['squeue', '-h', '-a', '-o', '%A'])).stdout.split('\n').filter((job) => job !== '');
      for (const job of new Set(jobs)) {
        await this.command(['scancel', '--full', '--signal=KILL', job]);
        await this.command(['scancel', job]);
      }
      for (let waited = 0; waited < 100; waited++) {
        if ((await this.command(['squeue', '-h', '-a'])).stdout === '') break;
        await sleep(100);
      }
    }
    for (const daemon of [...this.#daemons.values()].reverse()) await end(daemon);
    const removed = new Promise((resolve) => this.#remover.once('exit', resolve));
    this.#remover.stdin?.end();
    await removed;
  }

  async #start(): Promise<void> {
    const { directory, nodes } = this.shape;
    await writeFile(join(directory, 'munge.key'), randomBytes(128), { mode: 0o600 });
    await writeFile(join(directory, 'slurm.conf'), slurmConf(this.shape));
    await writeFile(join(directory, 'gres.conf'), gresConf(this.shape));
    await mkdir(join(directory, 'controller'));
    for (const gpu of [0, 1, 2, 3]) await symlink('/dev/null', join(directory, `gpu${gpu}`));
    const munge = (name: string): string => join(directory, `munge.${name}`);
    this.#daemon('munged', [
      ...['munged', '--foreground', '--force', `--key-file=${munge('key')}`, `--socket=${munge('socket')}`],
      ...[`--pid-file=${munge('pid')}`, `--log-file=${munge('log')}`, `--seed-file=${munge('seed')}`, '--origin=127.0.0.1'],
    ]);
    await this.#until('munged answers', async () => (await this.command(['munge', '-n', '-S', munge('socket')])).code === 0);
    this.#daemon('slurmctld', ['slurmctld', '-D', '-f', this.env['SLURM_CONF']!]);
    for (const { name } of nodes) {
      await mkdir(join(directory, `spool-${name}`));
      this.#daemon(name, ['slurmd', '-D', '-N', name, '-f', this.env['SLURM_CONF']!]);
    }
    await this.#until('all nodes are idle', async () => {
      const { stdout } = await this.command(['sinfo', '-h', '-N', '-p', 'batch', '-o', '%t']);
      return stdout.split('\n').filter((state) => state === 'idle').length === nodes.length;
    });
  }

  /** setpriv: the kernel ends the daemon when we are gone. */
  #daemon(name: string, argv: readonly string[]): void {
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...argv], { env: this.env, stdio: 'ignore', detached: true });
    child.on('error', () => {});
    this.#daemons.set(name, child);
  }

  async #until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + READY_MS;
    while (!(await holds())) {
      for (const [name, { exitCode, signalCode }] of this.#daemons)
        if (exitCode !== null || signalCode !== null) throw new Error(`${name} ended (${exitCode ?? signalCode}) before ${what}`);
      if (performance.now() > deadline) throw new Error(`waited ${READY_MS / 1000} s until ${what}`);
      await sleep(50);
    }
  }

  async #lastWords(): Promise<string> {
    const logs = (await readdir(this.shape.directory)).filter((file) => file.endsWith('.log'));
    const texts = await Promise.all(logs.map((log) => readFile(join(this.shape.directory, log), 'utf8')));
    return texts.map((text, index) => `${logs[index]}: ${text.trimEnd().split('\n').slice(-5).join('\n  ')}`).join('\n');
  }
}

function execute(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = execFile(file, args, { env, timeout: 30_000, maxBuffer: 16 * 1024 * 1024 }, (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr });
    });
  });
}

/** Ports of this machine that nobody listened on a moment ago. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
      return server;
    }),
  );
  return await Promise.all(
    servers.map(async (server) => {
      const address = server.address();
      await new Promise((resolve) => server.close(resolve));
      return address !== null && typeof address === 'object' ? address.port : 0;
    }),
  );
}

async function end(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null || daemon.pid === undefined) return;
  const ended = new Promise((resolve) => daemon.once('exit', resolve));
  daemon.kill('SIGTERM');
  const late = setTimeout(() => daemon.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(late);
}
