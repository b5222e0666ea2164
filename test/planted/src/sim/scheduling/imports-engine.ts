// planted: lint/style/noRestrictedImports
import { target } from '../engine/target.ts';

export const copy: number = target;
