// planted: lint/style/noRestrictedImports
import { target } from '../http/target.ts';

export const copy: number = target;
