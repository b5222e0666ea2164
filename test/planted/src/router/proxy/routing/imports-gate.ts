// planted: lint/style/noRestrictedImports
import { target } from '../gate/target.ts';

export const copy: number = target;
