/**
 * Turns an answer into the form in which the answers of a real engine were written down: key paths with types, values that
 * do not change from run to run, the order of events. Floats are told from integers by their text, as Python does.
 */
const KEPT = new Set(
  `object type code finish_reason role param model message prompt_tokens completion_tokens total_tokens cached_tokens length status detail
  index success retryable error matched root stop_reason input_tokens output_tokens title count max_model_len`.split(/\s+/),
);

interface Shape {
  readonly keys: readonly string[];
  readonly values: Readonly<Record<string, unknown>>;
}

/** A float in JSON text, marked before parsing since JavaScript has one kind of number. */
class FloatMark {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** Parses JSON text; numbers with a point or an exponent become FloatMarks. */
function parseTyped(text: string): unknown {
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    token.startsWith('"') || /^-?\d+$/.test(token) ? token : `{"(float)":${token}}`,
  );
  return JSON.parse(marked, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && '(float)' in value ? new FloatMark(Number(value['(float)'])) : value,
  );
}

/** Takes out of a text what changes from run to run. */
export function scrub(text: string): string {
  return text
    .replace(/0x[0-9a-f]{6,}/g, '0xH')
    .replace(/\b[0-9a-f]{24,}\b/g, 'HEX')
    .replace(/\b\d+\.\d+\b/g, 'F')
    .slice(0, 400);
}

/** Shape of JSON text. Throws a SyntaxError for other text. */
export function shapeOfJson(text: string): Shape {
  const value = parseTyped(text);
  const keys = new Set<string>();
  const values = new Map<string, unknown[]>();
  walk(value, '', keys, values);
  if (Array.isArray(value)) keys.add(`(array of ${value.length})`);
  const sorted = [...values].sort(([a], [b]) => (a < b ? -1 : 1));
  return { keys: [...keys].sort(), values: Object.fromEntries(sorted.map(([key, list]) => [key, list.length === 1 ? list[0] : list])) };
}

function walk(value: unknown, path: string, keys: Set<string>, values: Map<string, unknown[]>): void {
  if (Array.isArray(value)) {
    keys.add(path === '' ? `[]${value.length}` : `${path}:array`);
    for (const item of value.slice(0, 4)) walk(item, `${path}[]`, keys, values);
    return;
  }
  if (typeof value === 'object' && value !== null && !(value instanceof FloatMark)) {
    if (path !== '') keys.add(`${path}:object`);
    for (const [key, item] of Object.entries(value)) {
      // The top log probabilities of completions have the tokens as keys.
      const name = path.endsWith('top_logprobs[]') ? '*' : key;
      walk(item, path === '' ? name : `${path}.${name}`, keys, values);
    }
    return;
  }
  keys.add(`${path}:${kindOf(value)}`);
  const last = path.slice(path.lastIndexOf('.') + 1);
  if (!KEPT.has(last) || value === null) return;
  const shown = typeof value === 'string' ? scrub(value) : value instanceof FloatMark ? value.value : value;
  values.set(path, [...(values.get(path) ?? []), shown]);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (value instanceof FloatMark) return 'float';
  if (typeof value === 'number') return 'int';
  return typeof value === 'boolean' ? 'bool' : 'string';
}

/** One label per event, without repeats: its name, its keys, its finish reason, its error message. `datas`: the data of every event. */
export function eventsOf(text: string): { readonly labels: readonly string[]; readonly datas: readonly string[] } {
  const labels: string[] = [];
  const datas: string[] = [];
  for (const block of text.split('\n\n')) {
    if (block === '') continue;
    const lines = block.split('\n');
    const name = lines.find((line) => line.startsWith('event: '))?.slice('event: '.length);
    const data = lines.find((line) => line.startsWith('data: '))?.slice('data: '.length) ?? '';
    datas.push(data);
    const label = (name === undefined ? '' : `${name} `) + labelOf(data);
    if (labels.at(-1) !== label) labels.push(label);
  }
  return { labels, datas };
}

function labelOf(data: string): string {
  if (!data.startsWith('{')) return data.slice(0, 80);
  const { keys, values } = shapeOfJson(data);
  const reasons = Object.entries(values).filter(([key]) => key.endsWith('finish_reason') || key.endsWith('finish_reason.type'));
  const messages = ['error.message', 'message'].filter((key) => key in values).map((key) => ` message=${String(values[key])}`);
  const finish = reasons.length === 0 ? '' : ` finish=${reasons.map(([, value]) => String(value)).join(',')}`;
  return `{${keys.filter((key) => !key.endsWith(':object')).join(' ')}}${finish}${messages.join('')}`;
}
