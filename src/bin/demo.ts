#!/usr/bin/env node
/** `npm start`. */
import './node-version.ts';

await import('./demo-main.ts');
