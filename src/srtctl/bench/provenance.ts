/** What a result was measured with, so that two results can be told apart a year later. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, hostname, release, totalmem } from 'node:os';
import path from 'node:path';
import { request } from 'undici';

const ANSWER_MS = 3000;
const GIB = 2 ** 30;

export interface Provenance {
  /** Version of this package, and the commit where it is a checkout. */
  readonly srtctl: string;
  readonly commit: string | null;
  readonly node: string;
  /** Of the client. */
  readonly hardware: {
    readonly host: string;
    readonly cpu: string;
    readonly cores: number;
    readonly memory_gib: number;
    readonly kernel: string;
  };
  /** Words of the command line after `srtctl`. */
  readonly flags: readonly string[];
  /** SHA-256 of the plan of the run; null: the benchmark is not part of a run. */
  readonly plan_sha256: string | null;
  /** What the endpoint says about its engines; null: nothing. */
  readonly engine: Readonly<Record<string, unknown>> | null;
}

export interface ProvenanceInput {
  readonly version: string;
  readonly packageDirectory: string;
  readonly flags: readonly string[];
  readonly endpoint: string;
  readonly apiKey: string | null;
  /** `plan.json` of the run; null: there is none. */
  readonly planFile: string | null;
}

/** Never rejects: what cannot be learnt is null. */
export async function gatherProvenance(input: ProvenanceInput): Promise<Provenance> {
  const [commit, plan, engine] = await Promise.all([commitOf(input.packageDirectory), planHash(input.planFile), engineOf(input)]);
  return {
    srtctl: input.version,
    commit,
    node: process.version,
    hardware: {
      host: hostname(),
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores: availableParallelism(),
      memory_gib: Math.round(totalmem() / GIB),
      kernel: release(),
    },
    flags: input.flags,
    plan_sha256: plan,
    engine,
  };
}

function commitOf(directory: string): Promise<string | null> {
  return new Promise((resolve) => {
    const args = ['-C', directory, 'describe', '--always', '--dirty', '--abbrev=40', '--exclude=*'];
    execFile('git', args, { timeout: ANSWER_MS }, (error, stdout) => resolve(error === null ? stdout.trim() : null));
  });
}

async function planHash(file: string | null): Promise<string | null> {
  if (file === null) return null;
  try {
    return createHash('sha256')
      .update(await readFile(path.resolve(file)))
      .digest('hex');
  } catch {
    return null;
  }
}

/** Of `/server_info` those values that say what was measured; all of it may be hundreds of settings. */
async function engineOf({ endpoint, apiKey }: ProvenanceInput): Promise<Readonly<Record<string, unknown>> | null> {
  try {
    const headers = apiKey === null ? {} : { authorization: `Bearer ${apiKey}` };
    const { statusCode, body } = await request(`${endpoint}/get_server_info`, {
      headers,
      headersTimeout: ANSWER_MS,
      bodyTimeout: ANSWER_MS,
    });
    const info: unknown = JSON.parse(await body.text());
    if (statusCode !== 200 || typeof info !== 'object' || info === null) return null;
    const entries = Object.entries(info).filter(([name]) => ENGINE_KEYS.has(name));
    return entries.length === 0 ? null : Object.fromEntries(entries);
  } catch {
    return null;
  }
}

const ENGINE_KEYS: ReadonlySet<string> = new Set([
  ...['version', 'model_path', 'served_model_name', 'dtype', 'quantization', 'kv_cache_dtype', 'context_length', 'device'],
  ...[
    'tp_size',
    'dp_size',
    'pp_size',
    'ep_size',
    'attention_backend',
    'mem_fraction_static',
    'max_running_requests',
    'speculative_algorithm',
  ],
]);
