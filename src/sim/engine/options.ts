/** Every setting of the simulated engine, once: name, default, limits and explanation. Flags and --help come from it. */

interface Common {
  readonly help: string;
  /** Heading in --help. */
  readonly group: Group;
  /** Environment variable of the real engine that sets the same; the flag goes before it. */
  readonly env?: string;
}
export type Group =
  | 'Server'
  | 'Model'
  | 'Speed'
  | 'Memory and batching'
  | 'Prefill and decode'
  | 'Several nodes'
  | 'Inconvenient behaviour';
export interface NumberOption extends Common {
  readonly kind: 'number' | 'integer';
  readonly default: number;
  readonly least: number;
  readonly most: number;
}
export interface TextOption extends Common {
  readonly kind: 'text';
  readonly default: string;
}
export interface SwitchOption extends Common {
  readonly kind: 'switch';
  readonly default: boolean;
}
export interface ChoiceOption<Value extends string = string> extends Common {
  readonly kind: 'choice';
  readonly default: Value;
  readonly values: readonly Value[];
}
export type SimOption = NumberOption | TextOption | SwitchOption | ChoiceOption;

const MAX_PORT = 65_535;
const MANY = 1e9;

function integer(group: Group, fallback: number, least: number, most: number, help: string): NumberOption {
  return { kind: 'integer', group, default: fallback, least, most, help };
}
function number(group: Group, fallback: number, least: number, most: number, help: string): NumberOption {
  return { kind: 'number', group, default: fallback, least, most, help };
}
function text(group: Group, fallback: string, help: string): TextOption {
  return { kind: 'text', group, default: fallback, help };
}
function choice<const Value extends string>(group: Group, fallback: Value, values: readonly Value[], help: string): ChoiceOption<Value> {
  return { kind: 'choice', group, default: fallback, values, help };
}
/** A timeout or interval of a pair, seconds, with the variable that the real engine reads it from. */
function wait(fallback: number, env: string, help: string): NumberOption {
  return { ...number('Prefill and decode', fallback, 0.001, MANY, `${help}, seconds (${env})`), env };
}
function toggle(group: Group, help: string): SwitchOption {
  return { kind: 'switch', group, default: false, help };
}

export const SIM_OPTIONS = {
  host: text('Server', '127.0.0.1', 'address or name to listen on'),
  port: integer('Server', 30_000, 0, MAX_PORT, 'port to listen on; 0 takes a free one'),
  apiKey: text('Server', '', 'key that requests must bring as "Authorization: Bearer KEY" (health and metrics stay open)'),
  keepAliveSecs: number('Server', 5, 0, MANY, 'an idle connection is closed after this, without notice, as SGLang does'),
  logLevel: choice('Server', 'info', ['debug', 'info', 'warning', 'error', 'critical'], 'the log on stderr appears up to info'),
  maxBodyBytes: integer('Server', 268_435_456, 1, 2 ** 40, 'largest request body; a larger one is answered 413'),
  modelPath: text('Model', 'tiny', 'name of the model, as its path would be'),
  servedModelName: text('Model', '', 'name in /v1/models; the model path when empty'),
  contextLength: integer('Model', 131_072, 16, MANY, 'longest prompt plus output, tokens (one token per byte of text)'),
  isEmbedding: toggle('Model', 'an embedding model: /v1/embeddings, /v1/rerank, /v1/classify work, generation does not'),
  meanOutputTokens: number('Model', 300, 0, MANY, 'a text ends by itself after half to one and a half times this; 0: never'),
  seed: integer('Model', 1, 0, 2 ** 32 - 1, 'same seed, same prompt, same text; also seeds faults'),
  weightVersion: text('Model', 'default', 'weight version in the answers'),
  speedup: number('Speed', 1, 0.001, MANY, 'divides all times of the engine, but not --keep-alive-secs and the waits of pairs'),
  prefillTokensPerSec: number('Speed', 40_000, 0.001, 1e12, 'prompt tokens computed in a second'),
  stepOverheadMs: number('Speed', 2, 0, MANY, 'time that every prefill step costs beside its tokens, ms'),
  itlMs: number('Speed', 8, 0, MANY, 'time between two tokens of a stream when few run, ms'),
  itlPerRequestMs: number('Speed', 0.05, 0, MANY, 'added to it for every running request, ms'),
  startupDelaySecs: number('Speed', 0, 0, MANY, 'nothing listens for so long (weights are loaded)'),
  warmupSecs: number('Speed', 0, 0, MANY, 'then it listens, but /health and /ready answer 503 for so long'),
  kvTokens: integer('Memory and batching', 524_288, 64, MANY, 'KV cache, tokens'),
  pageSize: integer('Memory and batching', 1, 1, 4096, 'tokens per page of the KV cache; prefixes are shared in whole pages'),
  disableRadixCache: toggle('Memory and batching', 'no prefix cache'),
  maxRunningRequests: integer('Memory and batching', 256, 1, 1e6, 'requests that run at the same time'),
  maxQueuedRequests: integer('Memory and batching', 0, 0, 1e6, 'requests that may wait; more are refused with 503; 0: no limit'),
  chunkedPrefillSize: integer('Memory and batching', 8192, -1, MANY, 'most prompt tokens in one step; -1: no limit'),
  streamInterval: integer('Memory and batching', 1, 1, 10_000, 'tokens between two events of a stream'),
  disaggregationMode: choice('Prefill and decode', 'null', ['null', 'prefill', 'decode'], 'which half of a pair this is; null: none'),
  disaggregationBootstrapPort: integer(
    'Prefill and decode',
    8998,
    0,
    MAX_PORT,
    'prefill: where its bootstrap server listens (0 takes a free port); decode: where it looks when a request names no port',
  ),
  disaggregationTransferBackend: choice(
    'Prefill and decode',
    'mooncake',
    ['mooncake', 'mooncake_tcp', 'nixl', 'ascend', 'mori', 'fake'],
    'shown in the server info; all behave the same here',
  ),
  disaggregationBootstrapTimeoutSecs: wait(
    300,
    'SGLANG_DISAGGREGATION_BOOTSTRAP_TIMEOUT',
    'prefill gives a request up when no decode has come for its room',
  ),
  disaggregationWaitingTimeoutSecs: wait(
    300,
    'SGLANG_DISAGGREGATION_WAITING_TIMEOUT',
    'decode gives a request up when no KV has come after the handshake',
  ),
  disaggregationHandshakeTimeoutSecs: number(
    'Prefill and decode',
    14,
    0.001,
    MANY,
    'decode gives a request up when no bootstrap server has answered, seconds',
  ),
  disaggregationHeartbeatIntervalSecs: wait(
    5,
    'SGLANG_DISAGGREGATION_HEARTBEAT_INTERVAL',
    'time between two looks of decode at a bootstrap server that it waits for',
  ),
  disaggregationHeartbeatMaxFailure: {
    ...integer(
      'Prefill and decode',
      2,
      1,
      1e6,
      'looks in vain after which all rooms of that prefill fail (SGLANG_DISAGGREGATION_HEARTBEAT_MAX_FAILURE)',
    ),
    env: 'SGLANG_DISAGGREGATION_HEARTBEAT_MAX_FAILURE',
  },
  tpSize: integer('Several nodes', 1, 1, 65_536, 'shown in the server info; makes nothing faster'),
  dpSize: integer(
    'Several nodes',
    1,
    1,
    1024,
    'data-parallel ranks that requests may name; each has a queue, a batch and a KV cache of its own',
  ),
  ppSize: integer('Several nodes', 1, 1, 65_536, 'shown in the server info; makes nothing faster'),
  epSize: integer('Several nodes', 1, 1, 65_536, 'shown in the server info; makes nothing faster'),
  nnodes: integer('Several nodes', 1, 1, 10_000, 'nodes of this engine; the first serves, the others follow it'),
  nodeRank: integer('Several nodes', 0, 0, 9999, 'which of them this is; beyond 0: no HTTP, ends with the first'),
  distInitAddr: text('Several nodes', '', 'HOST:PORT where the nodes meet; the first listens there'),
  distTimeout: number('Several nodes', 600, 0.001, MANY, 'the start is given up when not all nodes have met, seconds'),
  kvBytesPerToken: integer('Prefill and decode', 131_072, 1, MANY, 'size of the KV of a token'),
  kvTransferGbitPerSec: number(
    'Prefill and decode',
    100,
    1e-6,
    1e9,
    'what a prefill engine sends in a second, for all its requests together, Gbit',
  ),
  kvTransferLatencyMs: number('Prefill and decode', 1, 0, MANY, 'time that every transfer costs beside its bytes, ms'),
  prefillFailRate: number(
    'Prefill and decode',
    0,
    0,
    1,
    'share of the requests that a prefill engine gives up with 500 when it has computed them',
  ),
  healthDelaySecs: number('Inconvenient behaviour', 0, 0, MANY, '/health and /health_generate take at least so long (SGLang: 1)'),
  abortPollSecs: number(
    'Inconvenient behaviour',
    4,
    0,
    MANY,
    'a plain request whose client left is noticed at the next multiple of this; streams at once',
  ),
  deadly: toggle(
    'Inconvenient behaviour',
    'what kills SGLang kills it: a token id outside the vocabulary, text asked of an embedding model; without it: 400',
  ),
  deadlySecs: number('Inconvenient behaviour', 5, 0, MANY, 'how long a dead engine still takes connections before the process is gone'),
  faithful: toggle('Inconvenient behaviour', 'all of the real inconvenience: --health-delay-secs 1 and --deadly'),
  enableGetLoad: toggle('Inconvenient behaviour', 'answer /get_load, as older engines do'),
  disableLoads: toggle('Inconvenient behaviour', 'no /v1/loads (404), as older engines'),
  disableMetrics: toggle('Inconvenient behaviour', 'no /metrics (404), as SGLang without --enable-metrics'),
  disableCacheReport: toggle('Inconvenient behaviour', 'usage.prompt_tokens_details is null, as SGLang without --enable-cache-report'),
  disableModelInfo: toggle('Inconvenient behaviour', 'no /get_model_info, /get_server_info and their like (404)'),
  disableAdmin: toggle('Inconvenient behaviour', 'no /sim/faults and /sim/stats'),
} as const satisfies Record<string, SimOption>;

export type SimOptionName = keyof typeof SIM_OPTIONS;
/** A complete set of settings; units are in the names. */
export type SimOptions = {
  readonly [Name in SimOptionName]: (typeof SIM_OPTIONS)[Name] extends NumberOption
    ? number
    : (typeof SIM_OPTIONS)[Name] extends TextOption
      ? string
      : (typeof SIM_OPTIONS)[Name] extends ChoiceOption<infer Value>
        ? Value
        : boolean;
};

/** Names in the order of the table. */
export const SIM_OPTION_NAMES = Object.keys(SIM_OPTIONS) as SimOptionName[];

/** `--kv-tokens` of `kvTokens`. */
export function flagOf(name: SimOptionName): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

export function optionOf(name: SimOptionName): SimOption {
  return SIM_OPTIONS[name];
}

/** What is wrong with `value` for option `name`, or null. */
export function findOptionProblem(name: SimOptionName, value: unknown): string | null {
  const option = optionOf(name);
  if (option.kind === 'text') return typeof value === 'string' ? null : 'expected text';
  if (option.kind === 'choice')
    return option.values.some((known) => known === value) ? null : `expected one of ${option.values.join(', ')}`;
  if (option.kind === 'switch') return typeof value === 'boolean' ? null : 'expected true or false';
  const isNumber = typeof value === 'number' && Number.isFinite(value) && (option.kind === 'number' || Number.isInteger(value));
  if (isNumber && value >= option.least && value <= option.most) return null;
  return `expected ${option.kind === 'integer' ? 'a whole number' : 'a number'} from ${option.least} to ${option.most}`;
}

/** Host (IPv6 without brackets) and port of `HOST:PORT` or `tcp://HOST:PORT`; null for anything else. */
export function parseDistAddress(text: string): { readonly host: string; readonly port: number } | null {
  const match = /^(?:tcp:\/\/)?(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  return match === null || port < 1 || port > MAX_PORT ? null : { host: match[1] ?? match[2]!, port };
}

/** Fills in the defaults. Throws a RangeError that names every bad value. */
export function completeOptions(given: Partial<SimOptions>): SimOptions {
  const all: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const name of SIM_OPTION_NAMES) {
    const value = given[name] ?? SIM_OPTIONS[name].default;
    const problem = findOptionProblem(name, value);
    if (problem !== null) problems.push(`${name} ${JSON.stringify(value)}: ${problem}`);
    all[name] = value;
  }
  const { nnodes, nodeRank, distInitAddr } = all as Partial<SimOptions>;
  if ((nodeRank ?? 0) >= (nnodes ?? 1)) problems.push(`nodeRank ${nodeRank}: expected less than nnodes (${nnodes})`);
  if ((nnodes ?? 1) > 1 && parseDistAddress(String(distInitAddr)) === null)
    problems.push(`distInitAddr "${distInitAddr}": expected HOST:PORT, as nnodes is ${nnodes}`);
  if (problems.length > 0) throw new RangeError(problems.join('\n'));
  if (all['faithful'] === true) {
    all['healthDelaySecs'] = given.healthDelaySecs ?? 1;
    all['deadly'] = true;
  }
  if (all['servedModelName'] === '') all['servedModelName'] = all['modelPath'];
  // Every name of the table was set to a value that findOptionProblem accepted.
  return all as unknown as SimOptions;
}
