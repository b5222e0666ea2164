/** One cell of the matrix at work: fresh engines behind a router process, and clients. */
import type { Owner } from '../support/owner.ts';
import { RawClient, requestBytes } from '../support/raw-client.ts';
import type { Script } from '../support/scripted-worker.ts';
import { until } from '../support/until.ts';
import { type Cell, isPaired, isStream } from './cell.ts';
import { answerWell, Engine, goodBody, type Role } from './engines.ts';
import { type Outcome, readOutcome } from './outcome.ts';
import type { RouterUnderTest } from './router-under-test.ts';

/** A client that has waited this long has seen nothing. */
const PATIENCE_MS = 60_000;

export class Scene {
  readonly cell: Cell;
  readonly router: RouterUnderTest;
  /** Those that the fault strikes. */
  readonly engines: readonly Engine[];
  /** The other legs of pairs. */
  readonly partners: readonly Engine[];
  /** The longest request of a client so far, in ms. */
  longestMs = 0;
  /** What the partners do with every request. */
  partner: Script = answerWell;
  readonly #owner: Owner;
  readonly #clients: RawClient[] = [];
  #fault: Script | null = null;
  #strikes = 0;
  struck = 0;

  /** `count` engines of each role. Resolves when all take requests. */
  static async open(owner: Owner, router: RouterUnderTest, cell: Cell, count: number): Promise<Scene> {
    const scripts = { next: (): Script => answerWell, partner: (): Script => answerWell };
    const roles: readonly Role[] = cell.startsWith('decode') ? ['decode', 'prefill'] : isPaired(cell) ? ['prefill', 'decode'] : ['regular'];
    const [struck = [], partners = []] = await Promise.all(
      roles.map((role, at) =>
        Promise.all(
          Array.from({ length: count }, () => Engine.start(owner, role, at === 0 ? () => scripts.next() : () => scripts.partner())),
        ),
      ),
    );
    const scene = new Scene(owner, router, cell, struck, partners);
    scripts.next = () => scene.#nextScript();
    scripts.partner = () => scene.partner;
    await Promise.all([...struck, ...partners].map((engine) => router.add(engine.worker.url, engine.role)));
    await scene.untilUsed([...struck, ...partners]);
    return scene;
  }

  private constructor(owner: Owner, router: RouterUnderTest, cell: Cell, engines: readonly Engine[], partners: readonly Engine[]) {
    this.#owner = owner;
    this.router = router;
    this.cell = cell;
    this.engines = engines;
    this.partners = partners;
  }

  get isStream(): boolean {
    return isStream(this.cell);
  }

  /** Something to clean up at the end of the scene. */
  after(end: () => void | Promise<void>): void {
    this.#owner.after(end);
  }

  /** The next `times` requests to the engines meet this; later ones are answered well. */
  strike(fault: Script, times: number = 1): void {
    this.#fault = fault;
    this.#strikes = times;
    this.struck = 0;
  }

  #nextScript(): Script {
    if (this.#fault === null || this.struck >= this.#strikes) return answerWell;
    this.struck++;
    return this.#fault;
  }

  get requestBytes(): Buffer {
    return requestBytes({ path: '/generate', body: JSON.stringify({ text: 'hi', stream: this.isStream }) });
  }

  /** A client whose request has been sent. */
  async send(bytes: Buffer = this.requestBytes): Promise<RawClient> {
    const client = await RawClient.connect(this.router.port);
    this.#clients.push(client);
    await client.send(bytes);
    return client;
  }

  /** One request, to its end. */
  async ask(limitMs: number = PATIENCE_MS, isMeant?: (body: Buffer) => boolean): Promise<Outcome> {
    const startMs = performance.now();
    try {
      const client = await this.send();
      return await this.outcome(client, limitMs, isMeant);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') return { text: 'refused', retryAfter: undefined };
      throw error;
    } finally {
      this.longestMs = Math.max(this.longestMs, performance.now() - startMs);
    }
  }

  /** `isMeant`: whether the body of a 200 is right; the engines' good answer if absent. */
  async outcome(client: RawClient, limitMs: number = PATIENCE_MS, isMeant?: (body: Buffer) => boolean): Promise<Outcome> {
    const isGood = (body: Buffer): boolean => body.toString() === goodBody(this.isStream);
    const outcome = await readOutcome(client, limitMs, isMeant ?? isGood);
    client.destroy();
    return outcome;
  }

  /** Several requests after each other; their outcomes, each once. */
  async askTimes(count: number): Promise<string> {
    const seen = new Set<string>();
    for (let i = 0; i < count; i++) seen.add((await this.ask()).text);
    return [...seen].join(', ');
  }

  /** Resolves when the router uses these engines. */
  async untilUsed(engines: readonly Engine[], limitMs?: number): Promise<void> {
    const wanted = engines.map((engine) => engine.worker.url);
    await this.router.untilHealthy(
      (healthy) => wanted.every((url) => healthy.includes(url)),
      `the router to use ${wanted.join(', ')}`,
      limitMs,
    );
  }

  async untilUnused(engine: Engine): Promise<void> {
    await this.router.untilHealthy((healthy) => !healthy.includes(engine.worker.url), `the router to set ${engine.worker.url} aside`);
  }

  /** Clients leave and workers are removed; what is left then is what the router forgot. */
  async close(): Promise<string[]> {
    for (const client of this.#clients) client.destroy();
    const all = [...this.engines, ...this.partners];
    const left = await this.router.left();
    const busy = (): number => all.reduce((sum, { worker }) => sum + worker.busySockets, 0);
    await until(() => busy() === 0, '', 3000).catch(() => left.push(`${busy()} connections with a request at the workers`));
    await this.router.removeAll();
    return left;
  }
}
