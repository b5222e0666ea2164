/** Loads settings while the router serves: files are read without holding up the event loop. */
import { readFile } from 'node:fs/promises';
import { type ConfigInput, type LoadedConfig, loadConfig } from '../router/config/load-config.ts';

/** Thrown in the middle of loading: this file is needed. */
class Needed extends Error {
  readonly path: string;

  constructor(path: string) {
    super(`${path} is needed`);
    this.name = 'Needed';
    this.path = path;
  }
}

/** As `loadConfig`. Which files are needed depends on what others say, so loading begins anew with each file that has been read. */
export async function loadAgain(input: Omit<ConfigInput, 'readFile'>): Promise<LoadedConfig> {
  const texts = new Map<string, string | Error>();
  const fromTexts = (path: string): string => {
    const text = texts.get(path);
    if (text === undefined) throw new Needed(path);
    if (text instanceof Error) throw text;
    return text;
  };
  for (;;) {
    try {
      return loadConfig({ ...input, readFile: fromTexts });
    } catch (error) {
      if (!(error instanceof Needed)) throw error;
      texts.set(error.path, await readFile(error.path, 'utf8').catch(asError));
    }
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
