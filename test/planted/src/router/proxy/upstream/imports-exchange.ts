// planted: lint/style/noRestrictedImports
import { target } from '../exchange/target.ts';

export const copy: number = target;
