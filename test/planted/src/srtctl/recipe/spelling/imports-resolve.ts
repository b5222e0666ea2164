// planted: lint/style/noRestrictedImports
import { target } from '../resolve/target.ts';

export const copy: number = target;
