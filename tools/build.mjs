#!/usr/bin/env node
// Builds dist/ from src/ with tsc, makes the programs executable, and writes the model of Dynamo's simulated engines.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
execFileSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', `${root}tsconfig.build.json`], {
  stdio: 'inherit',
  cwd: root,
});
const bin = `${root}dist/bin/`;
if (existsSync(bin)) for (const file of readdirSync(bin)) if (file.endsWith('.js')) chmodSync(bin + file, 0o755);

const { tinyModelFiles } = await import(`${root}dist/srtctl/launch/tiny-model.js`);
mkdirSync(`${root}dist/tiny-model`, { recursive: true });
for (const [name, text] of Object.entries(tinyModelFiles())) writeFileSync(`${root}dist/tiny-model/${name}`, text);
