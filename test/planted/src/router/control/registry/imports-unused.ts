// planted: lint/correctness/noUnusedImports
import { target } from './target.ts';

export const other = 1;
