#!/usr/bin/env node
/** The program `srtctl`. */
import './node-version.ts';

await import('./srtctl-main.ts');
