/** Puts the actors of a comparison on stage: real engines, simulated engines and routers with equal limits. */

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Options } from './options.ts';
import { findFreePort, type Program, type Programs } from './processes.ts';

/** The repository. This file runs from .build/tools/real-engine. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const MODEL = 'tiny';

const TOOLS = join(ROOT, 'tools/real-engine');
const ENGINE_START_MS = 420_000;
const PROGRAM_START_MS = 30_000;
/** What both kinds of engine are started with; the scenarios count on it. */
const LIMITS = ['--max-running-requests', '8', '--chunked-prefill-size', '2048'];
const QUEUE_LIMIT = ['--max-queued-requests', '2'];
/** The context and the KV cache of the tiny model's engine, and texts that do not end by themselves. */
const SIM_LIKE_ENGINE = ['--context-length', '4096', '--kv-tokens', '16384', '--mean-output-tokens', '0', '--faithful'];

export class Stage {
  readonly #programs: Programs;
  readonly #options: Options;
  readonly #logs: string;
  readonly #signal: AbortSignal;

  constructor(programs: Programs, options: Options, logs: string, signal: AbortSignal) {
    this.#programs = programs;
    this.#options = options;
    this.#logs = logs;
    this.#signal = signal;
  }

  /** Give `port` to start one again where one has been. */
  async engine(name = 'engine', port?: number): Promise<Program> {
    const { venv, model, embedding, twoEngines, hang, restarts, pair } = this.#options;
    if (!existsSync(join(model, 'config.json'))) {
      execFileSync(join(venv, 'bin/python'), [join(TOOLS, 'make-model.py'), model], { stdio: 'inherit', timeout: 300_000 });
    }
    const own = port ?? (await findFreePort());
    const args = [
      venv,
      model,
      String(own),
      ...LIMITS,
      ...(twoEngines || hang || restarts || pair ? [] : QUEUE_LIMIT),
      ...(embedding ? ['--is-embedding'] : []),
    ];
    return this.#start(name, join(TOOLS, 'engine.sh'), args, own, '/health', ENGINE_START_MS);
  }

  /**
   * Half of a pair: KV goes by mooncake over TCP on loopback. Give `port` to start one again where one has been. The timeouts are
   * short, so that an engine that waits in vain is seen to end.
   */
  half(name: string, port: number, args: readonly string[]): Promise<Program> {
    const { venv, model } = this.#options;
    const all = [venv, model, String(port), ...LIMITS, '--disaggregation-transfer-backend', 'mooncake_tcp', ...args];
    const env = {
      SGLANG_HOST_IP: '127.0.0.1',
      MC_FORCE_TCP: '1',
      MOONCAKE_PROTOCOL: 'tcp',
      SGLANG_DISAGGREGATION_BOOTSTRAP_TIMEOUT: '15',
      SGLANG_DISAGGREGATION_WAITING_TIMEOUT: '20',
    };
    return this.#start(name, join(TOOLS, 'engine.sh'), all, port, '/health', ENGINE_START_MS, env);
  }

  async simulation(): Promise<Program> {
    const port = await findFreePort();
    const { model, embedding } = this.#options;
    const names = ['--model-path', model, '--served-model-name', MODEL];
    const kind = embedding ? ['--is-embedding'] : [];
    return this.#startNode('simulation', 'sim.js', port, '/health', [...names, ...LIMITS, ...QUEUE_LIMIT, ...SIM_LIKE_ENGINE, ...kind]);
  }

  router(name: string, workerUrls: readonly string[]): Promise<Program> {
    // The cases make the engine answer 500 more often in a row than opens a breaker.
    return this.routerWith(name, ['--disable-circuit-breaker', '--worker-urls', ...workerUrls]);
  }

  async routerWith(name: string, args: readonly string[]): Promise<Program> {
    const [port, metricsPort] = [await findFreePort(), await findFreePort()];
    return this.#startNode(name, 'router.js', port, '/readiness', ['--prometheus-port', String(metricsPort), ...args]);
  }

  #startNode(name: string, file: string, port: number, readyPath: string, args: readonly string[]): Promise<Program> {
    const path = join(ROOT, 'dist/bin', file);
    if (!existsSync(path)) throw new Error(`${path} is missing: npm run build`);
    const all = [path, '--host', '127.0.0.1', '--port', String(port), ...args];
    return this.#start(name, process.execPath, all, port, readyPath, PROGRAM_START_MS);
  }

  #start(
    name: string,
    command: string,
    args: readonly string[],
    port: number,
    readyPath: string,
    deadlineMs: number,
    env: Readonly<Record<string, string>> = {},
  ): Promise<Program> {
    const logFile = join(this.#logs, `${name.replaceAll(' ', '-')}.log`);
    return this.#programs.start({ name, command, args, port, readyPath, deadlineMs, logFile, env }, this.#signal);
  }
}
