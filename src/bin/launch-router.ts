#!/usr/bin/env node
/** What the Python package runs. */
import './node-version.ts';

await import('./launch-router-main.ts');
