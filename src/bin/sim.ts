#!/usr/bin/env node
/** The program `sglang-sim`. */
import './node-version.ts';

await import('./sim-main.ts');
