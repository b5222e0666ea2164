// planted: lint/style/noRestrictedImports
import { target } from '../api/target.ts';

export const copy: number = target;
