// planted: lint/style/noRestrictedImports
import { target } from '../pairs/target.ts';

export const copy: number = target;
