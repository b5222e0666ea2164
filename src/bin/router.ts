#!/usr/bin/env node
/** The program `router`, also known as `sglang-router`, with the defaults of the first version. */
import { runRouter } from './run-router.ts';

process.exit(await runRouter('seed'));
