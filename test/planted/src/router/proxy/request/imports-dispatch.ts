// planted: lint/style/noRestrictedImports
import { target } from '../dispatch/target.ts';

export const copy: number = target;
