// planted: lint/style/noRestrictedImports
import { target } from '../../plan/target.ts';

export const copy: number = target;
