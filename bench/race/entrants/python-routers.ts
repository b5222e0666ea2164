/**
 * The Rust routers from PyPI, in the Python environment that PEERS_PYTHON names. Started as modules: both packages install
 * a program called `smg`, and the one installed last wins.
 */
import { execFileSync } from 'node:child_process';
import { freePort } from '../processes.ts';
import { BOOTSTRAP_PORT, type Entrant, type Kind, workerUrls } from './entrant.ts';
import { waitForWorkers } from './readiness.ts';

interface Package {
  readonly name: string;
  readonly module: string;
  /** Arguments of `python`. */
  readonly launch: readonly string[];
}

const SGLANG_ROUTER: Package = { name: 'sglang-router', module: 'sglang_router', launch: ['-m', 'sglang_router.launch_router'] };
const SMG: Package = { name: 'smg', module: 'smg', launch: ['-m', 'smg', 'launch'] };

const python = () => process.env['PEERS_PYTHON'] ?? 'python3';

function installedVersion({ name, module }: Package): string | null {
  const code = `import importlib.metadata as m, ${module}; print(m.version('${name}'))`;
  try {
    return execFileSync(python(), ['-c', code], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return null;
  }
}

function pythonRouter(peer: Package, suffix: string, kind: Kind, policy: string): Entrant {
  const name = `${peer.name}/${suffix}`;
  return {
    name,
    kind,
    findProblem: () =>
      installedVersion(peer) ? null : `the Python package ${peer.name} is not there (set PEERS_PYTHON to a python that has it)`,
    version: () => installedVersion(peer) ?? '',
    async start(field) {
      const port = await freePort();
      const workers =
        kind === 'plain'
          ? ['--worker-urls', ...workerUrls(field)]
          : ['--pd-disaggregation', '--prefill', `http://127.0.0.1:${field.prefillPort}`, String(BOOTSTRAP_PORT)].concat([
              '--decode',
              `http://127.0.0.1:${field.decodePort}`,
            ]);
      const args = [...peer.launch, '--host', '127.0.0.1', '--port', String(port), ...workers, '--policy', policy];
      args.push('--prometheus-host', '127.0.0.1', '--prometheus-port', String(await freePort()));
      args.push('--log-level', 'error', '--worker-startup-check-interval', '1');
      const program = field.programs.start(name, python(), args, { port });
      await waitForWorkers(program, 2, false);
      return { port, program };
    },
  };
}

export const pythonRouters: readonly Entrant[] = [SGLANG_ROUTER, SMG].flatMap((peer) => [
  pythonRouter(peer, 'rr', 'plain', 'round_robin'),
  pythonRouter(peer, 'ca', 'plain', 'cache_aware'),
  pythonRouter(peer, 'pd', 'pd', 'round_robin'),
]);
