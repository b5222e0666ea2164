// planted: lint/style/noRestrictedImports
import { target } from '../local/target.ts';

export const copy: number = target;
