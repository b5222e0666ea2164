/** Sampling parameters: read from a request, checked as the engine checks them. */
import { EngineError } from '../engine/engine-error.ts';
import type { Sampling } from '../engine/prompt-request.ts';
import type { Body } from './request-body.ts';

/** Fields of `sampling_params` in the order in which the engine lists them. Source: SGLang 0.5.23, sampling_params.py. */
const KNOWN_FIELDS = [
  'max_new_tokens',
  'stop',
  'stop_token_ids',
  'stop_regex',
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'frequency_penalty',
  'presence_penalty',
  'repetition_penalty',
  'min_new_tokens',
  'n',
  'json_schema',
  'regex',
  'ebnf',
  'structural_tag',
  'ignore_eos',
  'skip_special_tokens',
  'spaces_between_special_tokens',
  'no_stop_trim',
  'stream_interval',
  'logit_bias',
  'sampling_seed',
  'custom_params',
  'beam_width',
  'watermark',
  'choice',
];
const DEFAULT_NEW_TOKENS = 128;
const MOST_SAMPLES = 1000;

/** Parameters, or the error that the engine reports about them; `sampling` is then a placeholder. */
export interface ReadSampling {
  readonly sampling: Sampling;
  readonly problem: EngineError | null;
}

const NO_SAMPLING: Sampling = {
  maxNewTokens: 0,
  minNewTokens: 0,
  temperature: 1,
  stop: [],
  stopTokenIds: [],
  keepStop: false,
  ignoreEos: false,
  n: 1,
};

/** `sampling_params` of /generate. */
export function readNativeSampling(params: Body): ReadSampling {
  return attempt(() => checked(params, numberOf(params, 'max_new_tokens', DEFAULT_NEW_TOKENS), numberOf(params, 'min_new_tokens', 0)));
}

/** The engine's error about the first unknown field of `params`; null without one. */
export function findUnknownField(params: Body): string | null {
  const unknown = Object.keys(params).find((name) => !KNOWN_FIELDS.includes(name));
  if (unknown === undefined) return null;
  return `unknown field \`${unknown}\`, expected one of ${KNOWN_FIELDS.map((name) => `\`${name}\``).join(', ')}`;
}

/** Sampling fields of an OpenAI request; `fallbackMost` limits the output if the request does not. */
export function readOpenAiSampling(body: Body, fallbackMost: number | null): ReadSampling {
  return attempt(() => {
    const most = numberOf(body, 'max_completion_tokens', null) ?? numberOf(body, 'max_tokens', null) ?? fallbackMost;
    return checked(body, most, numberOf(body, 'min_tokens', 0), true);
  });
}

function attempt(read: () => Sampling): ReadSampling {
  try {
    return { sampling: read(), problem: null };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { sampling: NO_SAMPLING, problem: error };
  }
}

function checked(body: Body, maxNewTokens: number | null, minNewTokens: number | null, isFloat = false): Sampling {
  const temperature = numberOf(body, 'temperature', 1) ?? 1;
  if (!(temperature >= 0)) throw new EngineError(`temperature must be a non-negative finite number, got ${shown(temperature, isFloat)}.`);
  within(body, 'top_p', 'top_p must be in (0, 1]', (value) => value > 0 && value <= 1);
  within(body, 'min_p', 'min_p must be in [0, 1]', (value) => value >= 0 && value <= 1);
  within(body, 'top_k', 'top_k must be -1 (disable) or at least 1', (value) => value === -1 || value >= 1);
  within(body, 'frequency_penalty', 'frequency_penalty must be in [-2, 2]', (value) => Math.abs(value) <= 2);
  within(body, 'presence_penalty', 'presence_penalty must be in [-2, 2]', (value) => Math.abs(value) <= 2);
  within(body, 'repetition_penalty', 'repetition_penalty must be in [0, 2]', (value) => value >= 0 && value <= 2);
  if (maxNewTokens !== null && maxNewTokens < 0) throw new EngineError(`max_new_tokens must be at least 0, got ${maxNewTokens}.`);
  const least = minNewTokens ?? 0;
  if (least < 0 || (maxNewTokens !== null && least > maxNewTokens)) {
    throw new EngineError(`min_new_tokens must be in [0, max_new_tokens(${maxNewTokens})], got ${least}.`);
  }
  const n = numberOf(body, 'n', 1) ?? 1;
  if (!Number.isInteger(n) || n < 1 || n > MOST_SAMPLES) throw new EngineError(`n must be from 1 to ${MOST_SAMPLES}, got ${n}.`);
  return {
    maxNewTokens,
    minNewTokens: least,
    temperature,
    stop: textsOf(body['stop']),
    stopTokenIds: numbersOf(body['stop_token_ids']),
    keepStop: body['no_stop_trim'] === true,
    ignoreEos: body['ignore_eos'] === true,
    n,
  };
}

function within(body: Body, name: string, rule: string, isFine: (value: number) => boolean): void {
  const value = numberOf(body, name, null);
  if (value !== null && !isFine(value)) throw new EngineError(`${rule}, got ${value}.`);
}

function numberOf(body: Body, name: string, fallback: number | null): number | null {
  const value = body[name];
  if (value === undefined || value === null) return fallback;
  if (typeof value !== 'number') throw new EngineError(`${name} must be a number, got ${JSON.stringify(value)}.`);
  return value;
}

function shown(value: number, isFloat: boolean): string {
  return isFloat && Number.isInteger(value) ? value.toFixed(1) : String(value);
}

function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

function numbersOf(value: unknown): readonly number[] {
  return Array.isArray(value) ? value.filter((item): item is number => typeof item === 'number') : [];
}
