// planted: lint/style/noRestrictedImports
import { pid } from '../policy/reads-process.ts';

export const copy: number = pid;
