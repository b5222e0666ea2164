// planted: lint/style/noRestrictedImports
import { target } from '../policy/target.ts';

export const copy: number = target;
