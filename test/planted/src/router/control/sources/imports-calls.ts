// planted: lint/style/noRestrictedImports
import { target } from '../calls/target.ts';

export const copy: number = target;
