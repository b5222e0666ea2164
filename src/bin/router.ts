#!/usr/bin/env node
/** The program `router`, also known as `sglang-router`. */
import './node-version.ts';

await import('./router-main.ts');
