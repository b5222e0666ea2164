// planted: lint/style/noRestrictedImports
import { target } from '../probing/target.ts';

export const copy: number = target;
