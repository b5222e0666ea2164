#!/usr/bin/env node
// Builds dist/ from src/ with tsc and makes the programs executable.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
execFileSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', `${root}tsconfig.build.json`], {
  stdio: 'inherit',
  cwd: root,
});
const bin = `${root}dist/bin/`;
if (existsSync(bin)) for (const file of readdirSync(bin)) if (file.endsWith('.js')) chmodSync(bin + file, 0o755);
