/** Scripted engines: what they answer when they are well, and the fault that strikes the first requests to them. */
import type { Owner } from '../support/owner.ts';
import { answer, type Call, jsonAnswer, type Script, ScriptedWorker, sseAnswer } from '../support/scripted-worker.ts';

export type Role = 'regular' | 'prefill' | 'decode';

/** An answer of the shape that SGLang gives, for pairs that read it. */
const PLAIN = { text: 'a b c', meta_info: { id: '1', finish_reason: { type: 'length', length: 3 } } };
const EVENTS = ['a', 'a b', 'a b c'].map((text) => JSON.stringify({ text, meta_info: { id: '1', finish_reason: null } }));

export const goodPlain: Buffer = jsonAnswer(PLAIN);
export const goodStream: Buffer = sseAnswer([...EVENTS, '[DONE]']);
export const goodBody = (isStream: boolean): string =>
  isStream ? [...EVENTS, '[DONE]'].map((event) => `data: ${event}\n\n`).join('') : JSON.stringify(PLAIN);

/** Part of a good answer: its head and `share` of its bytes after that. */
export function partOf(whole: Buffer, share: number): Buffer {
  const head = whole.indexOf('\r\n\r\n') + 4;
  return whole.subarray(0, head + Math.floor((whole.length - head) * share));
}

export async function isStreamCall(call: Call): Promise<boolean> {
  return (await call.body()).includes('"stream":true');
}

/** Answers as an engine that is well. */
export async function answerWell(call: Call): Promise<void> {
  await call.write((await isStreamCall(call)) ? goodStream : goodPlain);
}

export class Engine {
  readonly worker: ScriptedWorker;
  readonly role: Role;
  /** The requests of a fault in progress, most recent last; aborts apart. */
  readonly calls: Call[] = [];

  private constructor(worker: ScriptedWorker, role: Role) {
    this.worker = worker;
    this.role = role;
  }

  /** `next` gives the script of each request. */
  static async start(owner: Owner, role: Role, next: () => Script): Promise<Engine> {
    const worker = await ScriptedWorker.start(owner);
    const engine = new Engine(worker, role);
    worker.script = async (call) => {
      if (call.target === '/abort_request') {
        await call.body();
        await call.write(answer(200, {}, ''));
        return;
      }
      engine.calls.push(call);
      await next()(call);
    };
    return engine;
  }
}
