/** After a benchmark that scores answers: its score, kept as `summary.txt` beside the files of the tool. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readToolResult, scoreLines, type ToolFile } from '../bench/scores.ts';
import type { Plan } from '../plan/plan.ts';

/** Larger files are samples of answers. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Text for people; null: the benchmark of the plan scores nothing. Never rejects. `directory`: of the run. */
export async function collectScores({ benchmark }: Pick<Plan, 'benchmark'>, directory: string): Promise<string | null> {
  if (benchmark === null || !('examples' in benchmark)) return null;
  const folder = path.join(directory, 'results', benchmark.type);
  try {
    const lines = scoreLines(benchmark.type, readToolResult(await toolFiles(folder)));
    if (lines === '') return `warning: the tool left no score in ${folder}; its output is in tool.log\n`;
    await writeFile(path.join(folder, 'summary.txt'), lines);
    return lines;
  } catch (error) {
    return `warning: no score can be read in ${folder}: ${error instanceof Error ? error.message : String(error)}\n`;
  }
}

async function toolFiles(folder: string): Promise<readonly ToolFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && /\.json$|^tool\.log$/.test(entry.name));
  const read = files.map(async ({ name, parentPath }): Promise<ToolFile> => {
    const text = await readFile(path.join(parentPath, name), 'utf8');
    return { name, text: text.length > MAX_BYTES ? '' : text };
  });
  return Promise.all(read);
}
