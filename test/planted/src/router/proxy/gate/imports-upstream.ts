// planted: lint/style/noRestrictedImports
import { target } from '../upstream/target.ts';

export const copy: number = target;
