/** Carries out what the state machine of a run orders, and tells it what happens: the part with input and output. */
import type { Clock, TimerHandle } from '../../base/core/clock.ts';
import type { Launcher, PortClash, ProcessEnd, RunningProcess, RunPlace, Site } from '../launch/launcher.ts';
import type { Plan } from '../plan/plan.ts';
import { Asker } from './ask.ts';
import { clientKeyOf } from './planned-flag.ts';
import { Probes } from './probes.ts';
import type { Effect, Notice, RunEvent } from './run-events.ts';
import { RunMachine } from './run-machine.ts';
import { smokeTest, waysOf } from './smoke-test.ts';

export interface SupervisorDeps {
  readonly clock: Clock;
  readonly onNotice: (notice: Notice) => void;
}

export class Supervisor {
  readonly machine: RunMachine;
  /** Null until the site is open, or when it could not be opened. */
  site: Site | null = null;
  readonly #plan: Plan;
  readonly #launcher: Launcher;
  readonly #place: RunPlace;
  readonly #deps: SupervisorDeps;
  readonly #asker = new Asker();
  readonly #stopAsking = new AbortController();
  readonly #probes: Probes;
  /** Null: being started; its signals wait in `#early`. */
  readonly #running = new Map<string, RunningProcess | null>();
  readonly #early = new Map<string, 'drain' | 'terminate' | 'kill'>();
  #opening: Promise<void> = Promise.resolve();
  #timer: TimerHandle | null = null;
  #onEnded: () => void = () => {};
  readonly #ended = new Promise<void>((resolve) => {
    this.#onEnded = resolve;
  });

  constructor(plan: Plan, launcher: Launcher, place: RunPlace, deps: SupervisorDeps) {
    this.#plan = plan;
    this.#launcher = launcher;
    this.#place = place;
    this.#deps = deps;
    this.machine = new RunMachine(plan);
    this.#probes = new Probes({
      plan,
      records: this.machine.records,
      bind: (text) => this.#bind(text),
      asker: this.#asker,
      clock: deps.clock,
      signal: this.#stopAsking.signal,
      hear: (event) => this.#hear(event),
    });
  }

  /** Resolves when everything is over; what became of it stands in `machine`. */
  async run(): Promise<void> {
    this.#carryOut(this.machine.begin());
    await this.#ended;
    this.#timer?.cancel();
    await this.#asker.close();
  }

  cancel(by: string): void {
    this.#hear({ type: 'cancel', by });
  }

  #hear(event: RunEvent): void {
    this.#carryOut(this.machine.handle(event, this.#deps.clock.nowMs()));
    this.#setTimer();
    if (this.machine.state === 'ended') this.#onEnded();
  }

  #setTimer(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const { deadlineMs } = this.machine;
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#deps.clock.after(Math.max(0, deadlineMs - this.#deps.clock.nowMs()), () => this.#hear({ type: 'tick' }));
  }

  #carryOut(effects: readonly Effect[]): void {
    for (const effect of effects) this.#do(effect);
  }

  #do(effect: Effect): void {
    switch (effect.do) {
      case 'open':
        this.#opening = this.#open();
        return;
      case 'start':
        for (const id of effect.ids) this.#start(id);
        return;
      case 'watch':
        this.#background(this.#probes.untilReady(effect.id));
        return;
      case 'probe':
        this.#background(this.#probes.whileReady(effect.id));
        return;
      case 'ask-all':
        this.#background(this.#probes.all());
        return;
      case 'smoke-test':
        this.#background(this.#smokeTest());
        return;
      case 'stop-asking':
        this.#stopAsking.abort();
        return;
      case 'signal':
        this.#signal(effect.id, effect.how);
        return;
      case 'close':
        this.#background(this.#close());
        return;
      case 'tell':
        this.#deps.onNotice(effect.notice);
    }
  }

  /** What goes wrong in our own work ends the run like everything else that goes wrong. */
  #background(work: Promise<void>): void {
    work.catch((error: unknown) => this.#hear({ type: 'broken', message: `srtctl itself failed: ${String(error)}` }));
  }

  async #open(): Promise<void> {
    try {
      const site = await this.#launcher.open(this.#plan, this.#place, {
        nodeLost: (node, why) => this.#hear({ type: 'node-lost', node, why }),
      });
      this.site = site;
      this.#hear({ type: 'opened', clashes: (await site.takenPorts()).map(clashInWords) });
    } catch (error) {
      this.#hear({ type: 'open-failed', message: (error as Error).message });
    }
  }

  #start(id: string): void {
    const { planned } = this.machine.records.get(id)!;
    const { site } = this;
    if (site === null) throw new Error(`${id} is started before its site is open`);
    this.#running.set(id, null);
    let onStarted = (): void => {};
    const started = new Promise<void>((resolve) => {
      onStarted = resolve;
    });
    const ended = async (end: ProcessEnd): Promise<void> => {
      await started;
      this.#running.delete(id);
      this.#hear({ type: 'ended', id, end });
    };
    site
      .start(planned, {
        line: (text) => this.#hear({ type: 'line', id, text }),
        logFailed: (code) => this.#hear({ type: 'log-failed', id, code }),
        ended: (end) => this.#background(ended(end)),
      })
      .then(
        (running) => {
          this.#running.set(id, running);
          this.#hear({ type: 'started', id, pid: running.pid });
          const early = this.#early.get(id);
          if (early !== undefined) running.signal(early);
          onStarted();
        },
        (error: Error) => {
          this.#running.delete(id);
          this.#hear({ type: 'start-failed', id, message: error.message });
        },
      );
  }

  #signal(id: string, how: 'drain' | 'terminate' | 'kill'): void {
    const running = this.#running.get(id);
    if (running === null) this.#early.set(id, how);
    else running?.signal(how);
  }

  async #smokeTest(): Promise<void> {
    const { signal } = this.#stopAsking;
    const open = new Set<string>();
    let isOver = false;
    this.#background(
      this.#probes.suspects(
        () => open,
        () => isOver,
      ),
    );
    const failed = await smokeTest({
      ways: waysOf(this.#plan, (text) => this.#bind(text)),
      open,
      model: this.#plan.model,
      key: clientKeyOf(this.#plan),
      asker: this.#asker,
      clock: this.#deps.clock,
      signal,
      onDetail: (detail) => this.#hear({ type: 'smoke-test-pending', detail }),
    });
    isOver = true;
    if (failed !== null) await this.#probes.suspect(open);
    if (signal.aborted) return;
    this.#hear(failed === null ? { type: 'smoke-test-passed' } : { type: 'smoke-test-failed', ...failed });
  }

  #bind(text: string): string {
    return this.site?.bind(text) ?? text;
  }

  async #close(): Promise<void> {
    await this.#opening;
    let leftovers: readonly string[] = [];
    try {
      leftovers = (await this.site?.close()) ?? [];
    } catch (error) {
      leftovers = [`the launcher could not clean up: ${(error as Error).message}`];
    }
    this.#hear({ type: 'closed', leftovers });
  }
}

function clashInWords({ process, purpose, address, port, owner }: PortClash): string {
  return `${purpose} port ${port} of ${process.id} on ${process.node} (${address}:${port}) is taken by ${owner ?? 'a process that cannot be seen from here'}`;
}
