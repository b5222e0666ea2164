/** Answers of real engines as they were written down (test/fixtures), and the comparison of an answer with one of them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { eventsOf, scrub, shapeOfJson } from './recorded-shape.ts';
import type { Reply } from './send-raw.ts';

export interface Recorded {
  readonly name: string;
  /** Half of a pair; absent for a single engine. */
  readonly leg?: 'prefill' | 'decode';
  readonly method: string;
  readonly path: string;
  readonly send?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly raw?: string;
  readonly status: number;
  readonly headers: string;
  readonly kind: 'none' | 'json' | 'sse' | 'text';
  readonly keys?: string;
  readonly values?: Readonly<Record<string, unknown>>;
  readonly events?: readonly string[];
  readonly growth?: string;
  readonly text?: string;
}

/** What a simulated text cannot have in common with a real one. */
const INVENTED = new Map([['generate stop string', 'meta_info.completion_tokens']]);
const TAG = '0918273645';

export class Recording {
  readonly cases: readonly Recorded[];
  readonly #lists: ReadonlyMap<string, readonly string[]>;

  /** `file`: name in test/fixtures. */
  constructor(file: string) {
    const lines = readFileSync(new URL(`../../../test/fixtures/${file}`, import.meta.url), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line.replaceAll('{5000 x}', 'x'.repeat(5000))) as Partial<Recorded> & { shape?: string; list?: string[] });
    this.#lists = new Map(
      lines.flatMap((line) => (line.list === undefined ? [] : [[line.shape ?? line.headers ?? '', line.list] as const])),
    );
    // A line with a name is a case and has the members of one.
    this.cases = lines.filter((line) => line.name !== undefined) as unknown as readonly Recorded[];
  }

  /** Asserts that `reply` is what the real engine answered. */
  check(recorded: Recorded, reply: Reply): void {
    assert.equal(reply.status, recorded.status);
    assert.deepEqual(headerLines(reply), this.#lists.get(recorded.headers));
    this.#checkBody(recorded, reply.body);
  }

  #checkBody(recorded: Recorded, body: string): void {
    switch (recorded.kind) {
      case 'none':
        assert.equal(body, '');
        return;
      case 'text':
        if (recorded.text !== undefined) assert.equal(scrub(body.slice(0, 200)), recorded.text);
        else assert.deepEqual(families(body), this.#lists.get(recorded.keys ?? ''));
        return;
      case 'json': {
        const shape = shapeOfJson(body);
        const expected = this.#lists.get(recorded.keys ?? '');
        if (recorded.path === '/openapi.json') {
          // Of a document that large only the top was recorded.
          assert.deepEqual(Object.keys(JSON.parse(body)).sort(), expected);
          return;
        }
        assert.deepEqual(shape.keys, expected);
        const invented = INVENTED.get(recorded.name) ?? '';
        assert.deepEqual(untagged(without(shape.values, invented)), without(recorded.values ?? {}, invented));
        return;
      }
      case 'sse': {
        const { labels, datas } = eventsOf(body);
        const expected = (recorded.events ?? []).flatMap((id) => this.#lists.get(id) ?? []);
        // Answers that take turns come in an order of chance; the record holds them sorted.
        const isMixed = expected[0] === '[DONE]';
        assert.deepEqual(isMixed ? [...new Set(labels)].sort() : untagged(labels), expected);
        if (recorded.growth === 'cumulative') assert.ok(isCumulative(datas));
      }
    }
  }
}

function headerLines({ headers }: Reply): readonly string[] {
  return headers
    .map(([name, value]) => [name.toLowerCase(), name.toLowerCase() === 'allow' ? value.split(', ').sort().join(', ') : value] as const)
    .map(([name, value]) => (name === 'date' || name === 'content-length' ? name : `${name}: ${value}`))
    .sort();
}

/** The record has TAG where the request had ten digits. */
function untagged<T>(value: T): T {
  return JSON.parse(JSON.stringify(value).replaceAll(TAG, 'TAG')) as T;
}

function without(values: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.fromEntries(Object.entries(values).filter(([key]) => key !== name));
}

function families(text: string): readonly string[] {
  return [...new Set([...text.matchAll(/^# TYPE (\S+ \S+)$/gm)].map((match) => match[1] ?? ''))].sort();
}

/** Every event of the same index begins with what the last one had. */
function isCumulative(datas: readonly string[]): boolean {
  const last = new Map<number, readonly number[]>();
  return datas
    .filter((data) => data.startsWith('{'))
    .every((data) => {
      const { output_ids: ids, index = 0 } = JSON.parse(data) as { output_ids: readonly number[]; index?: number };
      const before = last.get(index) ?? [];
      last.set(index, ids);
      return before.every((id, at) => ids[at] === id);
    });
}

/** As the recording client wrote it: a space after colons and commas. One message quotes the bytes. */
export function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}: ${pythonJson(item)}`)
    .join(', ')}}`;
}
