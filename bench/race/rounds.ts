/** Starts the mock workers and the contestants of a race, and measures each contestant once per round, in another order each time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isYardstick } from './entrants/catalogue.ts';
import type { Entrant, Field } from './entrants/entrant.ts';
import { waitForAnswers } from './entrants/readiness.ts';
import { startWorker } from './native.ts';
import type { RaceOptions } from './options.ts';
import { isListening } from './process-family.ts';
import type { Program, Programs } from './processes.ts';
import { type Bystanders, type Contestant, measureWindow, type WindowResult } from './window.ts';
import { WORKLOADS, type Workload } from './workloads.ts';

/** Node needs a second or two to compile its hot code; the race does not measure a cold start. */
const FIRST_WARMUP_SECONDS = 1.2;
/**
 * Rounds before the first that counts. The end of a window, when hundreds of clients leave at once, runs code that a proxy has not
 * compiled yet either, and makes V8 compile much of the rest again.
 */
export const WARMUP_ROUNDS = 2;

export class Rounds {
  readonly #options: RaceOptions;
  readonly #programs: Programs;
  readonly #plain: Program[] = [];
  #prefill: Program | null = null;
  #decode: Program | null = null;

  constructor(options: RaceOptions, programs: Programs) {
    this.#options = options;
    this.#programs = programs;
  }

  async startWorkers(): Promise<void> {
    for (const name of ['worker-1', 'worker-2']) this.#plain.push(await startWorker(this.#programs, name, 'plain'));
    if (!this.#options.workloads.some((name) => WORKLOADS[name]?.kind === 'pd')) return;
    this.#prefill = await startWorker(this.#programs, 'worker-prefill', 'prefill');
    this.#decode = await startWorker(this.#programs, 'worker-decode', 'decode');
  }

  async launch(entrant: Entrant): Promise<Contestant> {
    const field: Field = {
      programs: this.#programs,
      workerPorts: this.#plain.map((worker) => worker.port),
      prefillPort: this.#prefill?.port ?? 0,
      decodePort: this.#decode?.port ?? 0,
    };
    const running = await entrant.start(field);
    await waitForAnswers(running.port, running.program);
    if (running.program && !isListening(running.program.pids(), running.port))
      throw new Error(`port ${running.port} is held by another program`);
    return { entrant, running };
  }

  /** Every contestant anew, for `--fresh`. */
  async restart(contestants: readonly Contestant[]): Promise<Contestant[]> {
    const fresh: Contestant[] = [];
    for (const { entrant, running } of contestants) {
      await running.program?.stop();
      fresh.push(await this.launch(entrant));
    }
    return fresh;
  }

  /** One window for each contestant that takes part in the workload. Rounds up to 0 are warm-up. */
  async measure(round: number, name: string, contestants: readonly Contestant[]): Promise<readonly WindowResult[]> {
    const workload = WORKLOADS[name]!;
    const taking = contestants.filter(
      ({ entrant }) => (entrant.kind === workload.kind || isYardstick(entrant.name)) && !(entrant.isMeasuredOnce && round !== 1),
    );
    const results: WindowResult[] = [];
    await sleep(this.#options.idleSeconds * 1000);
    for (let i = 0; i < taking.length; i++) {
      const contestant = taking[(i + round - 1 + WARMUP_ROUNDS) % taking.length]!;
      const isCold = round <= 0 || this.#options.isFresh;
      const settings = { ...this.#options, warmup: isCold ? Math.max(this.#options.warmup, FIRST_WARMUP_SECONDS) : this.#options.warmup };
      const once = () => measureWindow(contestant, workload, this.#bystanders(contestant, workload), settings);
      let sample = await once();
      // On a full machine other programs can use up a whole window: nothing at all came through. Twice is an error.
      if (sample.errors === 1 && sample.units === 0) sample = await once();
      results.push({ ...sample, round, workload: name, name: contestant.entrant.name });
    }
    return results;
  }

  #bystanders({ entrant }: Contestant, workload: Workload): Bystanders {
    const pair = [this.#prefill, this.#decode].filter((worker) => worker !== null);
    const isPaired = workload.kind === 'pd' && entrant.kind === 'pd';
    return { programs: this.#programs, workers: isPaired ? pair : this.#plain, allWorkers: [...this.#plain, ...pair] };
  }
}
