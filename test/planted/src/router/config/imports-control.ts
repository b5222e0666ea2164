// planted: lint/style/noRestrictedImports
import { target } from '../control/target.ts';

export const copy: number = target;
