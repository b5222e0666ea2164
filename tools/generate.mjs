#!/usr/bin/env node
import { execFileSync } from 'node:child_process';
// Writes every file that is made from the sources. Each module in tools/generators exports `outputs()`: [{ file, text }].
// With --check nothing is written; it fails if a file is missing or stale.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const check = process.argv.includes('--check');
execFileSync(process.execPath, ['tools/build.mjs'], { stdio: 'inherit', cwd: root });

/** As `npm run format` would leave it, so that the two never disagree. Python is no concern of that formatter. */
function formatted(file, text) {
  if (file.endsWith('.py')) return text;
  return execFileSync(`${root}node_modules/.bin/biome`, ['format', `--stdin-file-path=${file}`], {
    cwd: root,
    input: text,
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

let made = 0;
const stale = [];
for (const name of readdirSync(`${root}tools/generators`)
  .filter((file) => file.endsWith('.mjs'))
  .sort()) {
  const { outputs } = await import(new URL(`generators/${name}`, import.meta.url).href);
  for (const output of outputs()) {
    const { file } = output;
    const text = formatted(file, output.text);
    made++;
    const path = root + file;
    if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
    stale.push(file);
    if (check) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}
if (made === 0) throw new Error('no generator made anything');
if (check && stale.length > 0) {
  console.error(`stale, run npm run generate: ${stale.join(', ')}`);
  process.exit(1);
}
console.log(check ? `${made} generated files are fresh` : `${made} files generated, ${stale.length} changed`);
