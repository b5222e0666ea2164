// planted: lint/style/noRestrictedImports
import { target } from '../load/target.ts';

export const copy: number = target;
