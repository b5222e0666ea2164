// planted: lint/style/noRestrictedImports
import { target } from '../schema/target.ts';

export const copy: number = target;
