/**
 * Loaded into a router before itself (--import), with --expose-gc --allow-natives-syntax. SIGUSR1 collects all garbage; SIGUSR2 prints how
 * many objects of each class live, and how many of them are dictionaries.
 */
import { Session } from 'node:inspector';
import net from 'node:net';

const collect = (globalThis as unknown as { gc(): void }).gc;

/** Paths below dist/ of the classes that it looks for. */
const CLASSES: readonly (readonly [name: string, path: string])[] = [
  ['SingleExchange', 'router/proxy/exchange/single.js'],
  ['ClientSide', 'router/proxy/exchange/client-side.js'],
  ['AnswerWriter', 'router/proxy/answer/answer-writer.js'],
  ['PairExchange', 'router/proxy/pairs/pair-exchange.js'],
  ['PairLeg', 'router/proxy/pairs/leg.js'],
  ['Pair', 'router/proxy/pairs/pair.js'],
  ['ClientConnection', 'router/proxy/client/connection.js'],
  ['ClientReader', 'router/proxy/client/reader.js'],
  ['ClientWriter', 'router/proxy/client/writer.js'],
  ['BodyFraming', 'router/proxy/client/body-framing.js'],
  ['Http1Connection', 'router/proxy/upstream/http1/connection.js'],
  ['AnswerReader', 'router/proxy/upstream/http1/answer-reader.js'],
  ['RequestWriter', 'router/proxy/upstream/http1/request-writer.js'],
];

/** How many of the living objects with this prototype are fast, and how many are dictionaries. */
function count(session: Session, prototype: object): { fast: number; slow: number } {
  let fast: readonly boolean[] = [];
  (globalThis as Record<string, unknown>)['wanted'] = prototype;
  session.post('Runtime.evaluate', { expression: 'wanted' }, (error, wanted) => {
    if (error !== null) throw error;
    session.post('Runtime.queryObjects', { prototypeObjectId: wanted.result.objectId ?? '' }, (failed, found) => {
      if (failed !== null) throw failed;
      const functionDeclaration = `function () {
        const isPrototype = (object) => Object.hasOwn(object, 'constructor');
        return this.filter((object) => !isPrototype(object)).map((object) => %HasFastProperties(object));
      }`;
      session.post(
        'Runtime.callFunctionOn',
        { functionDeclaration, objectId: found.objects.objectId ?? '', returnByValue: true },
        (bad, told) => {
          if (bad !== null) throw bad;
          fast = told.result.value as boolean[];
        },
      );
    });
  });
  const slow = fast.filter((isFast) => !isFast).length;
  return { fast: fast.length - slow, slow };
}

let collected = 0;

process.on('SIGUSR1', () => {
  collect();
  process.stdout.write(`collected ${++collected}\n`);
});

process.on('SIGUSR2', async () => {
  const session = new Session();
  session.connect();
  const shapes: Record<string, { fast: number; slow: number }> = { Socket: count(session, net.Socket.prototype) };
  for (const [name, path] of CLASSES) {
    const module = (await import(`${process.env['SHAPES_OF'] ?? ''}${path}`)) as Record<string, { prototype: object }>;
    shapes[name] = count(session, module[name]!.prototype);
  }
  process.stdout.write(`shapes ${JSON.stringify(shapes)}\n`);
});
