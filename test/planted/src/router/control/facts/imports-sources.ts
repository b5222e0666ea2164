// planted: lint/style/noRestrictedImports
import { target } from '../sources/target.ts';

export const copy: number = target;
