// planted: lint/style/noRestrictedImports
import { target } from '../supervise/target.ts';

export const copy: number = target;
