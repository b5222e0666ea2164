/** The one table of settings of the simulated engine: name, default, limits, help. Flags and --help are made from it. */

interface Common {
  readonly help: string;
  /** Heading in --help. */
  readonly group: Group;
  /** Environment variable of the real engine with the same meaning; the flag has precedence. */
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
  apiKey: text('Server', '', 'key that requests need as "Authorization: Bearer KEY" (health and metrics need none)'),
  keepAliveSecs: number('Server', 5, 0, MANY, 'seconds after which an idle connection is closed without notice, as by SGLang'),
  logLevel: choice(
    'Server',
    'info',
    ['debug', 'info', 'warning', 'error', 'critical'],
    'log level; warning and above silence the log on stderr',
  ),
  maxBodyBytes: integer('Server', 268_435_456, 1, 2 ** 40, 'largest request body in bytes; larger ones are answered with 413'),
  modelPath: text('Model', 'tiny', 'path of the model; only its name is used'),
  servedModelName: text('Model', '', 'name in /v1/models; empty: the model path'),
  contextLength: integer('Model', 131_072, 16, MANY, 'longest prompt plus output, tokens (one token per byte of text)'),
  isEmbedding: toggle('Model', 'simulate an embedding model: /v1/embeddings, /v1/rerank and /v1/classify work, generation does not'),
  meanOutputTokens: number('Model', 300, 0, MANY, 'mean length of a text in tokens: texts end after 0.5 to 1.5 times this; 0: never'),
  seed: integer('Model', 1, 0, 2 ** 32 - 1, 'seed of texts and faults: same seed and prompt, same text'),
  weightVersion: text('Model', 'default', 'weight version in the answers'),
  speedup: number('Speed', 1, 0.001, MANY, 'divisor of all engine times except --keep-alive-secs and the waits of pairs'),
  prefillTokensPerSec: number('Speed', 40_000, 0.001, 1e12, 'prompt tokens computed per second'),
  stepOverheadMs: number('Speed', 2, 0, MANY, 'fixed time of a prefill step, in addition to its tokens, ms'),
  itlMs: number('Speed', 8, 0, MANY, 'time of a decode step, without the time per request, ms'),
  itlPerRequestMs: number('Speed', 0.05, 0, MANY, 'time that every running request adds to a decode step, ms'),
  startupDelaySecs: number('Speed', 0, 0, MANY, 'seconds until the port opens (weights are loaded)'),
  warmupSecs: number('Speed', 0, 0, MANY, 'seconds after that in which /health and /ready answer 503'),
  kvTokens: integer('Memory and batching', 524_288, 64, MANY, 'KV cache, tokens'),
  pageSize: integer('Memory and batching', 1, 1, 4096, 'tokens per page of the KV cache; prefixes are shared in whole pages'),
  disableRadixCache: toggle('Memory and batching', 'disable the prefix cache'),
  maxRunningRequests: integer('Memory and batching', 256, 1, 1e6, 'most requests that run at the same time'),
  maxQueuedRequests: integer('Memory and batching', 0, 0, 1e6, 'most requests that wait; more are rejected with 503; 0: no limit'),
  chunkedPrefillSize: integer('Memory and batching', 8192, -1, MANY, 'most prompt tokens in one step; -1: no limit'),
  streamInterval: integer('Memory and batching', 1, 1, 10_000, 'tokens per event of a stream'),
  disaggregationMode: choice('Prefill and decode', 'null', ['null', 'prefill', 'decode'], 'half of a pair that this engine is; null: none'),
  disaggregationBootstrapPort: integer(
    'Prefill and decode',
    8998,
    0,
    MAX_PORT,
    'prefill: port of its bootstrap server (0 takes a free one); decode: port to ask if a request names none',
  ),
  disaggregationTransferBackend: choice(
    'Prefill and decode',
    'mooncake',
    ['mooncake', 'mooncake_tcp', 'nixl', 'ascend', 'mori', 'fake'],
    'shown in the server info; all behave the same',
  ),
  disaggregationBootstrapTimeoutSecs: wait(
    300,
    'SGLANG_DISAGGREGATION_BOOTSTRAP_TIMEOUT',
    'prefill aborts a request after this time without a decode half',
  ),
  disaggregationWaitingTimeoutSecs: wait(
    300,
    'SGLANG_DISAGGREGATION_WAITING_TIMEOUT',
    'decode aborts a request after this time without KV since the handshake',
  ),
  disaggregationHandshakeTimeoutSecs: number(
    'Prefill and decode',
    14,
    0.001,
    MANY,
    'decode aborts a request after this time without an answer of the bootstrap server, seconds',
  ),
  disaggregationHeartbeatIntervalSecs: wait(
    5,
    'SGLANG_DISAGGREGATION_HEARTBEAT_INTERVAL',
    'time between two checks of a bootstrap server that decode waits for',
  ),
  disaggregationHeartbeatMaxFailure: {
    ...integer(
      'Prefill and decode',
      2,
      1,
      1e6,
      'failed checks after which all rooms of that prefill fail (SGLANG_DISAGGREGATION_HEARTBEAT_MAX_FAILURE)',
    ),
    env: 'SGLANG_DISAGGREGATION_HEARTBEAT_MAX_FAILURE',
  },
  tpSize: integer('Several nodes', 1, 1, 65_536, 'shown in the server info; does not change the speed'),
  dpSize: integer('Several nodes', 1, 1, 1024, 'data-parallel ranks; each has its own queue, batch and KV cache'),
  ppSize: integer('Several nodes', 1, 1, 65_536, 'shown in the server info; does not change the speed'),
  epSize: integer('Several nodes', 1, 1, 65_536, 'shown in the server info; does not change the speed'),
  nnodes: integer('Several nodes', 1, 1, 10_000, 'nodes of this engine; only the first serves'),
  nodeRank: integer('Several nodes', 0, 0, 9999, 'index of this node; above 0: no HTTP, ends with the first'),
  distInitAddr: text('Several nodes', '', 'HOST:PORT where the first node listens for the others'),
  distTimeout: number('Several nodes', 600, 0.001, MANY, 'the start fails after this time if not all nodes are connected, seconds'),
  kvBytesPerToken: integer('Prefill and decode', 131_072, 1, MANY, 'KV size of a token, bytes'),
  kvTransferGbitPerSec: number('Prefill and decode', 100, 1e-6, 1e9, 'bandwidth of a prefill engine for all its transfers, Gbit/s'),
  kvTransferLatencyMs: number('Prefill and decode', 1, 0, MANY, 'fixed time of a transfer, in addition to its bytes, ms'),
  prefillFailRate: number('Prefill and decode', 0, 0, 1, 'share of its computed requests that a prefill engine fails with 500'),
  healthDelaySecs: number('Inconvenient behaviour', 0, 0, MANY, 'least seconds until /health and /health_generate answer (SGLang: 1)'),
  abortPollSecs: number(
    'Inconvenient behaviour',
    4,
    0,
    MANY,
    'seconds between two checks whether the client of a plain request has left; streams notice at once',
  ),
  deadly: toggle(
    'Inconvenient behaviour',
    'die of requests that kill SGLang (a token id outside the vocabulary, text from an embedding model) instead of answering 400',
  ),
  deadlySecs: number('Inconvenient behaviour', 5, 0, MANY, 'seconds that a dead engine accepts connections before its process ends'),
  faithful: toggle('Inconvenient behaviour', 'set --health-delay-secs 1 and --deadly'),
  enableGetLoad: toggle('Inconvenient behaviour', 'serve /get_load, as older engines do'),
  disableLoads: toggle('Inconvenient behaviour', 'do not serve /v1/loads (404), as older engines'),
  disableMetrics: toggle('Inconvenient behaviour', 'do not serve /metrics (404), as SGLang without --enable-metrics'),
  disableCacheReport: toggle('Inconvenient behaviour', 'leave usage.prompt_tokens_details null, as SGLang without --enable-cache-report'),
  disableModelInfo: toggle('Inconvenient behaviour', 'do not serve /get_model_info, /get_server_info, /model_info, /server_info (404)'),
  disableAdmin: toggle('Inconvenient behaviour', 'do not serve /sim/faults and /sim/stats (404)'),
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
