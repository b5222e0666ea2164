// planted: lint/style/noRestrictedImports
import { target } from '../../simulate/target.ts';

export const copy: number = target;
