/** Finds and loads the compiled `*.bench.js` files of this folder. */
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Case } from './case.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const sources = here.replace(/\.build[/\\]bench/, 'bench');

export interface BenchFile {
  /** File name without `.bench.js`. */
  readonly title: string;
  cases(): readonly Case[];
}

function hasCases(module: unknown): module is { cases(): readonly Case[] } {
  return typeof module === 'object' && module !== null && 'cases' in module && typeof module.cases === 'function';
}

/** All bench files, sorted, whose name contains one of `parts` (none: all of them). Throws if a file has no `cases`. */
export async function loadBenchFiles(parts: readonly string[]): Promise<readonly BenchFile[]> {
  const names = readdirSync(here)
    .filter((file) => file.endsWith('.bench.js'))
    // A compiled file whose source has been removed must not run.
    .filter((file) => existsSync(sources + file.replace(/\.js$/, '.ts')))
    .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
    .sort();
  const files: BenchFile[] = [];
  for (const name of names) {
    const module: unknown = await import(new URL(name, import.meta.url).href);
    if (!hasCases(module)) throw new Error(`${name} exports no function "cases"`);
    files.push({ title: name.replace('.bench.js', ''), cases: () => module.cases() });
  }
  return files;
}
