// planted: lint/style/noRestrictedImports
import { target } from '../../router/control/target.ts';

export const copy: number = target;
