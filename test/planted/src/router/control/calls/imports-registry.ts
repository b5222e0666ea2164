// planted: lint/style/noRestrictedImports
import { target } from '../registry/target.ts';

export const copy: number = target;
