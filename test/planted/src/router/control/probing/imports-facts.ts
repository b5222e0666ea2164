// planted: lint/style/noRestrictedImports
import { target } from '../facts/target.ts';

export const copy: number = target;
