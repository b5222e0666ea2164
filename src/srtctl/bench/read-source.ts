/** Text of a file or of a URL. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fetch } from 'undici';

export type ReadSource = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly message: string };

export async function readSource(source: string, directory: string): Promise<ReadSource> {
  try {
    if (!/^https?:\/\//.test(source)) return { ok: true, text: await readFile(path.resolve(directory, source), 'utf8') };
    const answer = await fetch(source);
    if (!answer.ok) return { ok: false, message: `${source} answered ${answer.status}` };
    return { ok: true, text: await answer.text() };
  } catch (error) {
    return { ok: false, message: `${source} cannot be read: ${reasonOf(error)}` };
  }
}

/** `trace` for `/data/trace.jsonl` and for the URL of one. */
export function nameOfSource(source: string): string {
  const last = source.slice(source.lastIndexOf('/') + 1);
  return last.replace(/\.[^.]*$/, '').replaceAll(/[^A-Za-z0-9._-]/g, '-') || 'trace';
}

/** The cause says more than `fetch failed`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message;
}
