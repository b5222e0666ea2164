import { readFileSync } from 'node:fs';
import { target } from '../control/registry/target.ts';

console.log(readFileSync, target, Math.random(), setTimeout);
