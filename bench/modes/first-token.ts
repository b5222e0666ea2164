/** Time to the first token: through the entrance, and of one worker asked directly. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { ROOT } from '../../test/support/program.ts';
import { sendAll } from './clients.ts';
import type { Fleet } from './fleet.ts';
import type { Mode } from './fleets.ts';

const PROMPT_TOKENS = 64;
const OUTPUT_TOKENS = 8;
const LIMIT_MS = 60_000;

/** Of `requests`, one after the other, ms. */
export async function throughEntrance(endpoint: string, requests: number): Promise<readonly number[]> {
  const samples = await sendAll(endpoint, requests, 1, OUTPUT_TOKENS);
  return samples.map(({ firstMs, startMs }) => (firstMs ?? Number.NaN) - startMs);
}

/** The same of the first aggregated worker: over HTTP, or, since Dynamo's workers have none, over its request plane. */
export async function ofWorker(fleet: Fleet, mode: Mode, requests: number): Promise<readonly number[]> {
  const [worker] = fleet.workers;
  if (worker === undefined) throw new Error('the fleet has no worker');
  if (mode === 'router') {
    const port = fleet.plan.processes.find(({ id }) => id === worker.id)?.ports['http'];
    return await throughEntrance(`http://${fleet.addressOf(worker)}:${port}`, requests);
  }
  const env = environmentOf(worker.pid ?? 0);
  // The port of the worker's own health is taken.
  delete env['DYN_SYSTEM_PORT'];
  const numbers = [requests, PROMPT_TOKENS, OUTPUT_TOKENS].map(String);
  const words = [`${ROOT}bench/modes/ask_mocker.py`, env['DYN_NAMESPACE'] ?? '', ...numbers];
  const { stdout } = await promisify(execFile)('python3', words, { env: { ...env, DYN_LOG: 'error' }, timeout: LIMIT_MS });
  const list = stdout.split('\n').find((line) => line.startsWith('['));
  if (list === undefined) throw new Error(`ask_mocker.py gave no times: ${stdout}`);
  return JSON.parse(list) as number[];
}

function environmentOf(pid: number): Record<string, string> {
  const entries = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean);
  return Object.fromEntries(entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]));
}
