#!/usr/bin/env node
/**
 * Sends the same requests to a real SGLang engine and to a simulated one, directly and through the router, and compares.
 * Ends with 1 if there is a difference that the table of known differences does not explain. See docs/engine-compatibility.md.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bare, type Case } from './case.ts';
import { allCases } from './cases.ts';
import { hungEngines } from './hung-engines.ts';
import { KNOWN_DIFFERENCES } from './known-differences.ts';
import { type Observation, observe, send } from './observe.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { pairOfEngines } from './pair.ts';
import { type Program, Programs } from './processes.ts';
import { countUnexplained, markdownReport, replaceGenerated, type Table, terminalReport } from './report.ts';
import { restarts } from './restarts.ts';
import { clientLeaves, connections, fullQueue, type Sight, termination } from './scenarios.ts';
import { MODEL, ROOT, Stage } from './stage.ts';
import { type Freezer, faultFreezer, hang, pauses, signalFreezer } from './standstill.ts';
import { type Column, caseTable, Judge, sightTable } from './tables.ts';
import { twoEngines } from './two-engines.ts';

const PAGE = join(ROOT, 'docs/engine-compatibility.md');
/** Ten characters that start every prompt. */
const TAG = '0918273645';
const REQUEST_MS = 60_000;
const SCENARIOS = 'Load, connections, the end';
const WHOLE_RUN_MS = 30 * 60_000;

type Seen = ReadonlyMap<string, Observation>;
/** An engine, a simulation, or an engine that somebody else has started. */
type Worker = Program | { readonly name: string; readonly url: string };
/** A worker and a router in front of it alone. */
interface Routed {
  readonly worker: Worker;
  readonly router: Program;
}

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

class Comparison {
  readonly #options: Options;
  readonly #stage: Stage;
  readonly #logs: string;
  readonly #signal: AbortSignal;
  readonly #cases: readonly Case[];
  readonly #judge = new Judge(KNOWN_DIFFERENCES);

  constructor(options: Options, stage: Stage, logs: string, signal: AbortSignal) {
    this.#options = options;
    this.#stage = stage;
    this.#logs = logs;
    this.#signal = signal;
    this.#cases = allCases({ model: MODEL, tag: TAG }, options.embedding).filter((one) => one.name.includes(options.only));
    if (this.#cases.length === 0) throw new Error(`no case has "${options.only}" in its name`);
  }

  /** Number of unexplained differences. */
  async run(): Promise<number> {
    if (this.#options.twoEngines) {
      const table = await twoEngines(this.#stage, this.#signal);
      say(terminalReport([table]));
      return this.#finish('two engines', [table], true, countUnexplained([table]), 'two engines and a router');
    }
    if (this.#options.hang) {
      const table = await hungEngines(this.#stage, this.#signal);
      say(terminalReport([table]));
      return this.#finish('hang', [table], true, countUnexplained([table]), 'two engines and a router');
    }
    if (this.#options.restarts) {
      const table = await restarts(this.#stage, this.#signal);
      say(terminalReport([table]));
      return this.#finish('restarts', [table], true, countUnexplained([table]), 'two engines and a router');
    }
    if (this.#options.pair) {
      const table = await pairOfEngines(this.#stage, this.#signal, say);
      say(terminalReport([table]));
      return this.#finish('pair', [table], true, countUnexplained([table]), 'a prefill and a decode engine, a single one, and a router');
    }
    const engine = await this.#engine();
    const direct = await this.#observe('engine', engine.url, engine.url);
    if (this.#options.self) return this.#self(engine, direct);
    const sim = await this.#stage.simulation();
    const simulated = await this.#observe('simulation', sim.url, sim.url);
    const columns: Column<Seen>[] = [{ title: 'simulation', relation: 'simulated', a: direct, b: simulated }];
    const routed: Routed[] = [];
    if (this.#options.router) {
      for (const [worker, seen] of [[engine, direct] as const, [sim, simulated] as const]) {
        const router = await this.#stage.router(`router of ${worker.name}`, [worker.url]);
        routed.push({ worker, router });
        columns.push({
          title: `${worker.name} routed`,
          relation: 'routed',
          a: seen,
          b: await this.#observe(router.name, router.url, worker.url),
        });
      }
    }
    const tables = [caseTable('Requests', this.#cases, columns, this.#judge)];
    if (this.#options.scenarios && !this.#options.embedding) tables.push(await this.#scenarios(engine, sim, routed));
    return this.#report(tables, engine);
  }

  async #engine(): Promise<Worker> {
    if (this.#options.engine !== undefined) return { name: 'engine', url: this.#options.engine };
    say('starting the engine (20 to 90 s on free cores)');
    const engine = await this.#stage.engine();
    say(`engine ready after ${(engine.startedInMs / 1000).toFixed(0)} s`);
    return engine;
  }

  async #observe(title: string, url: string, engineUrl: string): Promise<Seen> {
    const startMs = performance.now();
    const flushed = await send(engineUrl, bare('flush', 'POST', '/flush_cache'), REQUEST_MS, this.#signal);
    if (flushed.status !== 200) throw new Error(`${engineUrl}/flush_cache answered ${flushed.status}`);
    const seen = new Map<string, Observation>();
    for (const one of this.#cases) seen.set(one.name, await observe(url, one, REQUEST_MS, this.#signal));
    say(`${title}: ${seen.size} requests in ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
    writeFileSync(join(this.#logs, `${title.replaceAll(' ', '-')}.json`), JSON.stringify(Object.fromEntries(seen), null, 1));
    return seen;
  }

  async #self(engine: Worker, direct: Seen): Promise<number> {
    const again = await this.#observe('engine again', engine.url, engine.url);
    const title = 'engine again';
    const tables = [caseTable('Requests', this.#cases, [{ title, relation: 'routed', a: direct, b: again }], this.#judge)];
    if (this.#options.scenarios && !this.#options.embedding) {
      const [a, b] = [await this.#sights(engine.url), await this.#sights(engine.url)];
      tables.push(sightTable(SCENARIOS, [{ title, relation: 'routed', a, b }], this.#judge));
    }
    say(terminalReport(tables));
    return countUnexplained(tables);
  }

  /** What does not end the engine. Through a router the connections are the router's own, so they are left out. */
  async #sights(url: string, engineUrl = url): Promise<Sight> {
    const target = { url, engineUrl, model: MODEL, signal: this.#signal };
    return { ...(await fullQueue(target)), ...(await clientLeaves(target)), ...(url === engineUrl ? await connections(target) : {}) };
  }

  async #scenarios(engine: Worker, sim: Program, routed: readonly Routed[]): Promise<Table> {
    const end = ({ url, child, ended }: Program): Promise<Sight> =>
      termination({ url, engineUrl: url, model: MODEL, signal: this.#signal }, () => child.kill('SIGTERM'), ended);
    const still = async ({ url }: Worker, freezer: Freezer): Promise<Sight> => {
      const target = { url, engineUrl: url, model: MODEL, signal: this.#signal };
      return { ...(await pauses(target)), ...(await hang(target, freezer)) };
    };
    const [engineSights, simSights] = [await this.#sights(engine.url), await this.#sights(sim.url)];
    const columns: Column<Sight>[] = [];
    for (const { worker, router } of routed) {
      const direct = Object.entries(worker === sim ? simSights : engineSights);
      const b = await this.#sights(router.url, worker.url);
      const a = Object.fromEntries(direct.filter(([name]) => name in b));
      columns.push({ title: `${worker.name} routed`, relation: 'routed', a, b });
    }
    const isOurs = 'child' in engine;
    const stills = isOurs ? [await still(engine, signalFreezer(engine.child.pid ?? 0)), await still(sim, faultFreezer(sim.url))] : [];
    const ends = isOurs ? [await end(engine), await end(sim)] : [];
    const [a, b] = [
      { ...engineSights, ...stills[0], ...ends[0] },
      { ...simSights, ...stills[1], ...ends[1] },
    ];
    columns.unshift({ title: 'simulation', relation: 'simulated', a, b });
    return sightTable(SCENARIOS, columns, this.#judge);
  }

  #report(tables: readonly Table[], engine: Worker): number {
    say(terminalReport(tables));
    const { only, router, scenarios, embedding } = this.#options;
    const isWhole = only === '' && router && (scenarios || embedding) && 'child' in engine;
    const unused = isWhole && !embedding ? this.#judge.unused() : [];
    for (const index of unused) say(`UNUSED known difference D${index + 1}: ${KNOWN_DIFFERENCES[index]!.reason}`);
    const how = `${this.#cases.length} requests to an engine that ${embedding ? 'embeds' : 'generates'}`;
    return this.#finish(embedding ? 'embedding' : 'whole', tables, isWhole, countUnexplained(tables) + unused.length, how);
  }

  /** Writes the tables into the page, if that was asked for and the run was whole and good. Returns `bad`. */
  #finish(section: string, tables: readonly Table[], isWhole: boolean, bad: number, how: string): number {
    if (!this.#options.write || !isWhole || bad > 0) return bad;
    const line = `SGLang 0.5.23 on a CPU, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}: ${how}.`;
    writeFileSync(PAGE, replaceGenerated(readFileSync(PAGE, 'utf8'), section, markdownReport(tables, KNOWN_DIFFERENCES, line)));
    execFileSync(join(ROOT, 'node_modules/.bin/biome'), ['format', '--write', PAGE], { cwd: ROOT, stdio: 'ignore' });
    say(`wrote ${PAGE}`);
    return bad;
  }
}

async function main(): Promise<number> {
  let options: Options;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  const programs = new Programs();
  const stop = new AbortController();
  const onSignal = (): void => stop.abort(new Error('interrupted'));
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onSignal);
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(WHOLE_RUN_MS)]);
  const logs = mkdtempSync(join(tmpdir(), 'real-engine-'));
  say(`logs: ${logs}`);
  try {
    const bad = await new Comparison(options, new Stage(programs, options, logs, signal), logs, signal).run();
    say(bad === 0 ? 'no unexplained difference' : `${bad} unexplained differences`);
    return bad === 0 ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return stop.signal.aborted ? 130 : 1;
  } finally {
    await programs.stopAll();
  }
}

process.exitCode = await main();
