#!/usr/bin/env node
// npm run build:wheel: the Python package with the compiled router in it, as python/dist/sglang_router-VERSION-py3-none-any.whl.
import { readdirSync, rmSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pythonTool, spawnTool } from './python/venv.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = `${root}python/dist`;
rmSync(target, { recursive: true, force: true });
const python = pythonTool();
spawnTool(python, ['-m', 'hatchling', 'build', '--target', 'wheel', '--directory', target], { cwd: `${root}python` });
for (const file of readdirSync(target)) console.log(`python/dist/${file} (${Math.ceil(statSync(`${target}/${file}`).size / 1024)} KiB)`);
