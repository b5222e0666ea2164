/**
 * Reads the fields of a worker: of a body of `POST /workers` or `PUT /workers/{id}`, or of an entry in a file. Names and defaults are those of
 * sglang_router 0.3.2.
 */
import { WORKER_TYPES, type WorkerType } from '../../../base/core/worker.ts';
import { parseWorkerAddress, type WorkerAddress } from '../../../base/core/worker-address.ts';
import type { WorkerHealth } from '../registry/health-settings.ts';
import type { DesiredWorker } from '../registry/source.ts';
import type { WorkerOptions } from '../registry/worker-options.ts';

/** An invalid field. `value` is JSON; never that of a key. */
export interface FieldProblem {
  readonly field: string;
  readonly value: unknown;
  readonly expected: string;
  /** False: it is valid, but not implemented. */
  readonly isInvalid: boolean;
}

type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly FieldProblem[] };

const MAX_TEXT = 1024;
const MAX_LABELS = 64;

/** Settings of the router that hold for all workers. */
export interface RouterMode {
  /** Workers are prefill and decode ones, else regular ones. */
  readonly isPaired: boolean;
  /** Every data-parallel rank of an engine is a worker. */
  readonly isDpAware: boolean;
}

/** `defaults`: for fields that are absent or null. Reports all problems, not only the first. */
export function parseAddWorker(body: Buffer, defaults: WorkerOptions, mode: RouterMode): Parsed<DesiredWorker> {
  const fields = parseFields(body);
  return fields.ok ? readNewWorker(fields.value, defaults, mode) : fields;
}

/** The same of fields that are parsed already. */
export function readNewWorker(fields: ReadonlyMap<string, unknown>, defaults: WorkerOptions, mode: RouterMode): Parsed<DesiredWorker> {
  const reader = new FieldReader(fields);
  const address = reader.address('url');
  const options = readNewOptions(reader, defaults, mode);
  reader.refuseRest();
  if (reader.problems.length > 0 || address === null) return { ok: false, problems: reader.problems };
  return { ok: true, value: { address, options } };
}

/** `current`: for fields that are absent. An explicit null of `api_key` removes the key. */
export function parseUpdateWorker(body: Buffer, current: WorkerOptions): Parsed<WorkerOptions> {
  const fields = parseFields(body);
  if (!fields.ok) return fields;
  const reader = new FieldReader(fields.value);
  const options = withChecks(readOptions(reader, current, false), reader.flag('disable_health_check'));
  reader.refuseRest();
  return reader.problems.length > 0 ? { ok: false, problems: reader.problems } : { ok: true, value: options };
}

/** `isDisabled`: null: not named. False: as the router. */
function withChecks(options: WorkerOptions, isDisabled: boolean | null): WorkerOptions {
  if (isDisabled === null) return options;
  const { isChecked: _, ...health } = options.health;
  return { ...options, health: isDisabled ? { ...health, isChecked: false } : health };
}

/** Fields of a new worker that can be changed later. */
function readOptions(reader: FieldReader, defaults: WorkerOptions, isNew: boolean): WorkerOptions {
  const options = {
    ...defaults,
    apiKey: reader.key('api_key', defaults.apiKey, !isNew),
    priority: reader.integer('priority', 0, 2 ** 32 - 1) ?? defaults.priority,
    cost: reader.cost('cost') ?? defaults.cost,
    labels: reader.labels('labels') ?? defaults.labels,
    health: { ...defaults.health, ...readHealth(reader) },
  };
  return options;
}

function readNewOptions(reader: FieldReader, defaults: WorkerOptions, { isPaired, isDpAware }: RouterMode): WorkerOptions {
  const options = readOptions(reader, defaults, true);
  const type = reader.workerType('worker_type', isPaired);
  const bootstrapPort = reader.bootstrapPort('bootstrap_port', type);
  reader.runtime('runtime');
  // `false` changes nothing: clients that know only the defaults send it.
  const isUnchecked = reader.flag('disable_health_check') === true;
  reader.dpAware('dp_aware', isDpAware);
  for (const name of NOT_YET) reader.notYet(name);
  const health = isUnchecked ? { ...options.health, isChecked: false } : options.health;
  return { ...options, health, type: type ?? options.type, bootstrapPort, modelId: reader.text('model_id') ?? options.modelId };
}

/** Only what the body names. */
function readHealth(reader: FieldReader): WorkerHealth {
  const timeoutSecs = reader.integer('health_check_timeout_secs', 1, MAX_SECONDS);
  const intervalSecs = reader.integer('health_check_interval_secs', 1, MAX_SECONDS);
  const failureThreshold = reader.integer('health_failure_threshold', 1, MAX_THRESHOLD);
  const successThreshold = reader.integer('health_success_threshold', 1, MAX_THRESHOLD);
  return {
    ...(timeoutSecs !== null && { timeoutMs: timeoutSecs * 1000 }),
    ...(intervalSecs !== null && { intervalMs: intervalSecs * 1000 }),
    ...(failureThreshold !== null && { failureThreshold }),
    ...(successThreshold !== null && { successThreshold }),
  };
}

const MAX_SECONDS = 1_000_000;
const MAX_THRESHOLD = 1_000_000;
const NOT_YET = ['tokenizer_path', 'reasoning_parser', 'tool_parser', 'chat_template', 'max_connection_attempts'];

function parseFields(body: Buffer): Parsed<ReadonlyMap<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    return invalidBody('not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return invalidBody('not an object');
  return { ok: true, value: new Map(Object.entries(value)) };
}

function invalidBody(value: string): Parsed<never> {
  return { ok: false, problems: [{ field: 'body', value, expected: 'a JSON object', isInvalid: true }] };
}

/** Reads fields by name and collects problems; `refuseRest` reports the fields that were not read. */
class FieldReader {
  readonly problems: FieldProblem[] = [];
  readonly #fields: ReadonlyMap<string, unknown>;
  readonly #taken = new Set<string>();

  constructor(fields: ReadonlyMap<string, unknown>) {
    this.#fields = fields;
  }

  address(name: string): WorkerAddress | null {
    const value = this.#take(name);
    if (typeof value !== 'string') return this.#invalid(name, value, 'the URL of a worker, http://host:port');
    const parsed = parseWorkerAddress(value);
    return parsed.ok ? parsed.address : this.#invalid(name, value, parsed.expected);
  }

  text(name: string): string | null {
    const value = this.#take(name);
    if (value === null) return null;
    if (typeof value === 'string' && value !== '' && value.length <= MAX_TEXT) return value;
    return this.#invalid(name, value, `a text of 1 to ${MAX_TEXT} characters`);
  }

  /** The key becomes a header value. `mayRemove`: an explicit null means "no key". */
  key(name: string, otherwise: string | null, mayRemove: boolean): string | null {
    if (mayRemove && this.#fields.get(name) === null) {
      this.#taken.add(name);
      return null;
    }
    const value = this.#take(name);
    if (value === null) return otherwise;
    if (typeof value === 'string' && value.length <= 8192 && /^[\x21-\x7e]+$/.test(value)) return value;
    return this.#invalid(name, '(not shown)', 'a key of printable ASCII characters without spaces');
  }

  integer(name: string, min: number, max: number): number | null {
    const value = this.#take(name);
    if (value === null) return null;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    return this.#invalid(name, value, `a whole number from ${min} to ${max}`);
  }

  flag(name: string): boolean | null {
    const value = this.#take(name);
    if (value === null || typeof value === 'boolean') return value;
    return this.#invalid(name, value, 'true or false');
  }

  cost(name: string): number | null {
    const value = this.#take(name);
    if (value === null) return null;
    if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return value;
    return this.#invalid(name, value, 'a number above 0');
  }

  labels(name: string): Readonly<Record<string, string>> | null {
    const value = this.#take(name);
    if (value === null) return null;
    const expected = `an object of at most ${MAX_LABELS} texts of at most ${MAX_TEXT} characters`;
    if (typeof value !== 'object' || Array.isArray(value)) return this.#invalid(name, value, expected);
    const entries = Object.entries(value);
    const isText = (text: unknown): text is string => typeof text === 'string' && text.length <= MAX_TEXT;
    if (entries.length > MAX_LABELS || !entries.every(([key, text]) => isText(key) && isText(text))) {
      return this.#invalid(name, '(not shown)', expected);
    }
    return Object.fromEntries(entries) as Record<string, string>; // Every value was just seen to be a text.
  }

  /** null if there is a problem with it. */
  workerType(name: string, isPaired: boolean): WorkerType | null {
    const value = this.#take(name);
    if (value === null && !isPaired) return 'regular';
    const type = WORKER_TYPES.find((one) => one === value) ?? null;
    if (type !== null && (type !== 'regular') === isPaired) return type;
    if (isPaired) {
      const why = type === null ? '' : ': this router runs with --pd-disaggregation';
      return this.#invalid(name, value, `prefill or decode${why}`);
    }
    const why = type === null ? '' : ': prefill and decode workers need a router with --pd-disaggregation';
    return this.#invalid(name, value, `regular${why}`);
  }

  bootstrapPort(name: string, type: WorkerType | null): number | null {
    const port = this.integer(name, 1, 65_535);
    if (port === null || type === null || type === 'prefill') return port;
    return this.#invalid(name, port, 'not to be there: only prefill workers have a bootstrap port');
  }

  /** The router's setting holds for all workers. `false` is accepted anyway: clients send it that do not know --dp-aware. */
  dpAware(name: string, isDpAware: boolean): void {
    const value = this.#take(name);
    if (value === null || value === false || (value === true && isDpAware)) return;
    this.#invalid(name, value, isDpAware ? 'true or false' : 'false: this router runs without --dp-aware');
  }

  runtime(name: string): void {
    const value = this.#take(name);
    if (value === null || value === 'sglang') return;
    const isKnown = value === 'vllm' || value === 'external';
    this.problems.push({
      field: name,
      value,
      expected: isKnown ? 'sglang: other runtimes are not available in this version' : 'sglang',
      isInvalid: !isKnown,
    });
  }

  /** Reads a field that is not implemented: absent and null are accepted. */
  notYet(name: string): void {
    const value = this.#take(name);
    if (value === null) return;
    const expected = 'not to be there: it is not available in this version';
    this.problems.push({ field: name, value: shorten(value), expected, isInvalid: false });
  }

  refuseRest(): void {
    for (const [name, value] of this.#fields) {
      if (!this.#taken.has(name)) this.#invalid(shorten(name), value, 'no such field');
    }
  }

  #take(name: string): unknown {
    this.#taken.add(name);
    return this.#fields.get(name) ?? null;
  }

  #invalid(field: string, value: unknown, expected: string): null {
    this.problems.push({ field, value: shorten(value), expected, isInvalid: true });
    return null;
  }
}

/** The part of any value that an error message repeats. */
function shorten<T>(value: T): T | string {
  const text = JSON.stringify(value) ?? '';
  return text.length <= 200 ? value : `${text.slice(0, 200)}...`;
}
