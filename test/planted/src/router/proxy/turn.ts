// planted: lint/style/noRestrictedImports
import { target } from './client/target.ts';

export const copy: number = target;
