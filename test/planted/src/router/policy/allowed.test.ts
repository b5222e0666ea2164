import { readFileSync } from 'node:fs';
import { target } from '../control/target.ts';

console.log(readFileSync, target, Math.random(), setTimeout);
